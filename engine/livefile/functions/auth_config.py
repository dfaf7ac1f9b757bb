"""Who may sign users in: the providers that an app trusts, as its ``auth_config.py`` names them.

A provider issues tokens; the server checks them (``auth/`` of the server) and gives functions the
user in ``ctx.auth``. What is written here is checked when the app is loaded, so that a misspelt
address is found by who wrote it and not by the first user.

Not here: tokens and keys. Nothing in the engine reads either.
"""

import base64
import binascii
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeAlias
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

import orjson

from livefile.functions.definition import Function
from livefile.vocabulary.errors import DefinitionError
from livefile.vocabulary.limits import AUTH_PROVIDERS_MAX, KEY_SET_SIZE_BYTES_MAX

ALGORITHMS = ("RS256", "ES256", "EdDSA")


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcProvider:
    """An OpenID Connect issuer, such as Clerk or Auth0.

    Its keys are found through ``<domain>/.well-known/openid-configuration``. Tokens are signed by
    RS256 or EdDSA, and are for ``application_id`` and nobody else.
    """

    domain: str
    """The issuer, as in the tokens' ``iss``. ``https://`` and a slash at the end may be left out.
    """

    application_id: str
    """What the tokens' ``aud`` must be."""

    def __post_init__(self) -> None:
        _check_fetched("domain", self.issuer)
        _text("application_id", self.application_id)

    @property
    def issuer(self) -> str:
        """The issuer with its scheme, and without a slash at the end."""
        return _complete("domain", self.domain)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomJwtProvider:
    """An issuer of JSON web tokens that has no OpenID configuration."""

    issuer: str
    """As in the tokens' ``iss``; completed as the domain of an ``OidcProvider``."""

    jwks: str
    """Where the keys are: an address, or a ``data:`` URI that holds them."""

    algorithm: Literal["RS256", "ES256", "EdDSA"]
    application_id: str | None = None
    """What the tokens' ``aud`` must have among others; without it, ``aud`` is not looked at."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "issuer", _complete("issuer", self.issuer))
        if self.algorithm not in ALGORITHMS:
            raise DefinitionError(
                f"algorithm must be one of {', '.join(ALGORITHMS)}; it is {self.algorithm!r}"
            )
        if self.application_id is not None:
            _text("application_id", self.application_id)
        if self.key_document is None:
            _check_fetched("jwks", _text("jwks", self.jwks))

    @property
    def key_document(self) -> bytes | None:
        """The keys that ``jwks`` itself holds, None if it is an address."""
        if not _text("jwks", self.jwks).startswith("data:"):
            return None
        return _read_data_uri(self.jwks)


class OwnIssuer:
    """The deployment itself as an issuer; what it does as such is in ``livefile.accounts``."""

    @property
    def functions(self) -> tuple[Function[..., Any], ...]:
        """The app's functions that it calls."""
        return ()


AuthProvider: TypeAlias = OidcProvider | CustomJwtProvider


class AuthConfig:
    """The providers whose tokens an app accepts.

    A token is for the first of them whose issuer, and whose application if it names one, are the
    token's.
    """

    def __init__(self, *providers: AuthProvider | OwnIssuer) -> None:
        """Take the providers in the order in which they are asked, and ``Accounts`` at most once.

        The deployment's own tokens are known before all others.
        """
        own = [provider for provider in providers if isinstance(provider, OwnIssuer)]
        if len(own) > 1:
            raise DefinitionError(f"AuthConfig takes one Accounts, not {len(own)}")
        self.own_issuer = own[0] if own else None
        others: list[AuthProvider] = []
        for provider in providers:
            if isinstance(provider, OidcProvider | CustomJwtProvider):
                others.append(provider)
            elif not isinstance(provider, OwnIssuer):
                raise DefinitionError(
                    "AuthConfig takes OidcProvider, CustomJwtProvider and Accounts, not "
                    f"{type(provider).__name__} {provider!r}"
                )
        if len(providers) > AUTH_PROVIDERS_MAX:
            raise DefinitionError(
                f"AuthConfig takes {AUTH_PROVIDERS_MAX} providers, not {len(providers)}"
            )
        self.providers = tuple(others)


def find_auth_config(modules: Iterable[ModuleType]) -> AuthConfig:
    """Return the one ``AuthConfig`` of an app's modules; if there is none, an empty one.

    Raises:
        DefinitionError: there are several, and no order between them.
    """
    found = {
        id(thing): (thing, module.__name__)
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, AuthConfig)
    }
    if len(found) > 1:
        places = " and ".join(sorted(name for _, name in found.values()))
        raise DefinitionError(f"an app has one AuthConfig; there is one in {places}")
    return next((config for config, _ in found.values()), AuthConfig())


def _text(name: str, text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise DefinitionError(f"{name} must be a text that is not empty; it is {text!r}")
    return text


def _complete(name: str, issuer: str) -> str:
    """Return an issuer with its scheme and without a slash at the end."""
    given = _text(name, issuer)
    complete = given if "://" in given else f"https://{given}"
    parts = _split(name, complete)
    is_address = parts.scheme in ("https", "http") and parts.hostname
    if not is_address or parts.query or parts.fragment:
        raise DefinitionError(f"{name} must be an address such as https://example.com, not {given}")
    return complete.removesuffix("/")


def _check_fetched(name: str, address: str) -> None:
    """Check an address that the server is going to ask for keys."""
    parts = _split(name, address)
    is_local = parts.scheme == "http" and _is_this_machine(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "https" or is_local):
        raise DefinitionError(
            f"{name} must be an address that begins with https:// (http:// is for localhost only), "
            f"not {address}"
        )
    if parts.username is not None or parts.fragment:
        raise DefinitionError(f"{name} must be an address without a user and a #, not {address}")


def _is_this_machine(host: str) -> bool:
    """Tell whether a host's name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(name: str, address: str) -> SplitResult:
    # Python's parser removes line breaks and tabs; what it is shown must be what is asked.
    if not address.isascii() or any(letter <= " " or letter == "\\" for letter in address):
        raise DefinitionError(f"{name} must be an address of plain characters, not {address!r}")
    try:
        parts = urlsplit(address)
        if parts.port == 0:  # Reading it raises for what is no number.
            raise ValueError("port 0")
    except ValueError as error:
        raise DefinitionError(f"{name} is no address: {address} ({error})") from error
    return parts


def _read_data_uri(uri: str) -> bytes:
    """Return the JSON that a ``data:`` URI holds."""
    head, comma, content = uri.removeprefix("data:").partition(",")
    try:
        data = unquote_to_bytes(content)
        if head.endswith(";base64"):
            data = base64.b64decode(data, validate=True)
        document = orjson.loads(data)
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise DefinitionError(f"jwks is a data: URI that holds no JSON: {error}") from error
    is_key_set = isinstance(document, dict) and isinstance(document.get("keys"), list)
    if not comma or not is_key_set or len(data) > KEY_SET_SIZE_BYTES_MAX:
        raise DefinitionError(
            'jwks is a data: URI that should hold an object with a list of "keys", in up to '
            f"{KEY_SET_SIZE_BYTES_MAX} bytes"
        )
    return data
