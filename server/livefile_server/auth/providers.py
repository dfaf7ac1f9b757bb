"""The issuers whose tokens are accepted, and which of them a token is for.

An app names them in its ``auth_config.py``; the server may add issuers of its own, whose keys it
holds itself. What follows from the kind of a provider is written here once, so that the checks
(``jwt.py``) read it instead of asking for the kind.

Not here: the keys (``jwks.py``) and fetching them (``key_cache.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from livefile import AuthConfig, CustomJwtProvider, OidcProvider, errors, limits
from livefile_server.auth.jwks import KeySet, parse_key_set

DISCOVERY_PATH = "/.well-known/openid-configuration"


class Dialect(Enum):
    """The two kinds of tokens. They differ in what is checked and how claims are named."""

    OIDC = "oidc"
    CUSTOM_JWT = "customJwt"


@dataclass(frozen=True, slots=True)
class Discovery:
    """Keys whose address stands in the OpenID configuration at ``address``."""

    address: str
    issuer: str


@dataclass(frozen=True, slots=True)
class KeyAddress:
    """Keys that are at ``address``."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One issuer. ``issuer`` has its scheme and no slash at the end."""

    dialect: Dialect
    issuer: str
    application_id: str | None
    algorithms: frozenset[str]
    keys: Discovery | KeyAddress | KeySet
    """Where the keys are, or the keys themselves if they are here already."""

    @property
    def refusal_code(self) -> str:
        """The code with which a token of this issuer is refused."""
        return "Unauthenticated" if self.dialect is Dialect.OIDC else "InvalidAuthHeader"

    @property
    def skew_s(self) -> float:
        """How long after its end a token is still accepted."""
        if self.dialect is Dialect.OIDC:
            return 0.0
        return limits.TOKEN_CLOCK_SKEW_MS_MAX / 1000


def providers_of(config: AuthConfig) -> tuple[Provider, ...]:
    """Return the providers that an app names, in its order."""
    return tuple(_provider_of(each) for each in config.providers)


def choose_provider(
    providers: Iterable[Provider], issuer: str, audiences: Sequence[str]
) -> Provider:
    """Return the first provider that a token with these claims can be of.

    Raises:
        UnauthenticatedError: there is none; the text says which there are.
    """
    wanted = issuer.removesuffix("/")
    for provider in providers:
        is_for_us = provider.application_id is None or provider.application_id in audiences
        if provider.issuer == wanted and is_for_us:
            return provider
    raise errors.UnauthenticatedError(
        "NoAuthProvider", _no_provider_text(providers, issuer, audiences)
    )


def _provider_of(configured: OidcProvider | CustomJwtProvider) -> Provider:
    if isinstance(configured, OidcProvider):
        issuer = configured.issuer
        return Provider(
            dialect=Dialect.OIDC,
            issuer=issuer,
            application_id=configured.application_id,
            algorithms=frozenset({"RS256", "EdDSA"}),
            keys=Discovery(address=issuer + DISCOVERY_PATH, issuer=issuer),
        )
    document = configured.key_document
    return Provider(
        dialect=Dialect.CUSTOM_JWT,
        issuer=configured.issuer,
        application_id=configured.application_id,
        algorithms=frozenset({configured.algorithm}),
        keys=KeyAddress(configured.jwks) if document is None else parse_key_set(document),
    )


def _no_provider_text(providers: Iterable[Provider], issuer: str, audiences: Sequence[str]) -> str:
    text = "No auth provider found matching the given token"
    known = [_describe(provider) for provider in providers]
    if not known:
        return text
    seen = f"issuer {issuer[:200]!r} and audience {', '.join(audiences)[:200]!r}"
    return f"{text}: it has {seen}; auth_config.py has {'; '.join(known)}"


def _describe(provider: Provider) -> str:
    if provider.application_id is None:
        return f"issuer {provider.issuer!r}"
    return f"issuer {provider.issuer!r} for audience {provider.application_id!r}"
