"""From the claims of a checked token to the user that functions see in ``ctx.auth``.

The two dialects name claims differently, as the protocol's clients and users know them: OpenID's
standard claims get the names of the protocol, those of a custom JWT keep their own. A claim never
takes the place of the three that say who the user is.

Not here: the checks (``jwt.py``).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from livefile import Identity, Value, errors, from_wire
from livefile_server.auth.jwt import Token, refuse
from livefile_server.auth.providers import Dialect, Provider

_TEXTS = {
    "name": "name",
    "given_name": "givenName",
    "family_name": "familyName",
    "nickname": "nickname",
    "preferred_username": "preferredUsername",
    "profile": "profileUrl",
    "picture": "pictureUrl",
    "website": "websiteUrl",
    "email": "email",
    "gender": "gender",
    "birthdate": "birthday",
    "zoneinfo": "timezone",
    "locale": "language",
    "phone_number": "phoneNumber",
}
_BOOLEANS = {"email_verified": "emailVerified", "phone_number_verified": "phoneNumberVerified"}
_BOOLEAN_TEXTS = {"true": True, "false": False}  # As some issuers write them.

_WHO = frozenset({"iss", "sub"})
# What is said about the token, not about the user. It differs in every token, so with it each
# refresh would make another user for caches and live queries.
_ABOUT_THE_TOKEN = frozenset({"aud", "exp", "iat", "nbf", "jti"})
_OF_OIDC_TOKENS = _ABOUT_THE_TOKEN | {"nonce", "at_hash", "c_hash"}
_FACTOR_AGE = "fva"  # Of Clerk: minutes since the last check of a factor, other in every token.
_DATE_S_MAX = 253_402_300_799  # The last second of the year 9999.


def identity_of(token: Token, provider: Provider) -> Identity:
    """Return the user that a checked token stands for.

    Raises:
        UnauthenticatedError: a claim that cannot be a value of functions.
    """
    subject = token.claims["sub"]
    if provider.dialect is Dialect.OIDC:
        claims = dict(_oidc_claims(token.claims))
    else:
        claims = dict(_flat_claims(token.claims))
    claims["tokenIdentifier"] = f"{token.issuer}|{subject}"
    claims["subject"] = subject
    claims["issuer"] = token.issuer
    attributes: dict[str, Value] = {}
    for name, claim in claims.items():
        try:
            attributes[name] = from_wire(claim)
        except errors.InvalidValueError as error:
            raise refuse(provider, f"{name[:80]} is no value: {error}") from error
    return Identity(attributes=attributes)


def _oidc_claims(claims: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield standard claims under the protocol's names, after all others under their own."""
    standard: list[tuple[str, object]] = []
    for name, claim in claims.items():
        if name in _OF_OIDC_TOKENS or name in _WHO or name == _FACTOR_AGE:
            continue
        found = _standard_claim(name, claim)
        if found is None:
            yield name, claim
        else:
            standard.append(found)
    yield from standard


def _standard_claim(name: str, claim: object) -> tuple[str, object] | None:
    """Return a standard claim, None if it is none or is not of the standard's type."""
    if name in _TEXTS and isinstance(claim, str):
        return _TEXTS[name], claim
    if name in _BOOLEANS:
        truth = _BOOLEAN_TEXTS.get(claim) if isinstance(claim, str) else claim
        return (_BOOLEANS[name], truth) if isinstance(truth, bool) else None
    if name == "address" and isinstance(claim, dict) and isinstance(claim.get("formatted"), str):
        return "address", claim["formatted"]
    if name == "updated_at":
        return _update_time(claim)
    return None


def _update_time(claim: object) -> tuple[str, object] | None:
    if isinstance(claim, str):  # Auth0 writes a text where the standard has seconds.
        return "updatedAt", claim
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        return None
    if 0 <= claim <= _DATE_S_MAX:
        return "updatedAt", datetime.fromtimestamp(claim, UTC).isoformat()
    return None


def _flat_claims(claims: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield private claims under their own names, those of objects inside as ``a.b``."""
    for name, claim in claims.items():
        if not prefix and (name in _ABOUT_THE_TOKEN or name in _WHO or name == _FACTOR_AGE):
            continue
        if isinstance(claim, dict):
            yield from _flat_claims(claim, f"{prefix}{name}.")
        else:
            yield prefix + name, claim
