"""Reading and checking a JSON web token.

Reading is strict, because a token that two programs read differently is how forgeries begin: one
way to write base64, no name twice in an object, no header that moves the key or the meaning
elsewhere. Nothing that a token says is believed before its signature was checked, but for what
is needed to choose the key.

Pure functions: keys and the time are passed in. Not here: who fetches keys (``tokens.py``), what
becomes of the claims (``claims.py``).
"""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from jwt import PyJWS, PyJWTError

from livefile import errors, limits
from livefile_server.auth.jwks import Key
from livefile_server.auth.providers import Dialect, Provider

# Headers by which a token would bring its own key, or mean something else than it seems to.
REFUSED_HEADERS = ("b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip")
# "application/" may be left out, and mostly is.
_TYPES = ("jwt", "at+jwt")
_CONTENT = re.compile(r"[A-Za-z0-9_-]+")
_TIME_S_MAX = 253_402_300_799  # The last second of the year 9999.

_signatures = PyJWS()


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was read. Nothing in it is true yet."""

    text: str = field(repr=False)
    algorithm: str
    key_id: str | None
    issuer: str
    audiences: tuple[str, ...]
    claims: Mapping[str, object]


def read_token(text: str) -> Token:
    """Return what a token says.

    Raises:
        UnauthenticatedError: it is no JWT of the one form that is read here.
    """
    if len(text) > limits.TOKEN_SIZE_BYTES_MAX:
        raise _unreadable(f"it has {len(text)} characters, more than {limits.TOKEN_SIZE_BYTES_MAX}")
    parts = text.split(".")
    if len(parts) != 3:
        raise _unreadable(f"it has {len(parts)} parts, not 3")
    header = _read_object("header", parts[0])
    claims = _read_object("payload", parts[1])
    _decode("signature", parts[2])
    return Token(
        text=text,
        algorithm=_check_header(header),
        key_id=_optional_text(header, "kid"),
        issuer=_wanted_text(claims, "iss"),
        audiences=_audiences(claims.get("aud", ())),
        claims=claims,
    )


def check_signature(token: Token, provider: Provider, key: Key) -> None:
    """Check that the holder of ``key`` signed the token.

    Raises:
        UnauthenticatedError: it was somebody else, or in another way.
    """
    assert key.algorithm in provider.algorithms
    try:
        _signatures.decode(token.text, key.public_key, algorithms=[key.algorithm])
    except (PyJWTError, ValueError) as error:
        raise refuse(provider, "the signature is not the issuer's") from error


def check_algorithm(token: Token, provider: Provider) -> None:
    """Check that tokens of the provider may be signed like this one.

    Raises:
        UnauthenticatedError: they may not, or the token does not say by which key.
    """
    if token.algorithm not in provider.algorithms:
        wanted = " or ".join(sorted(provider.algorithms))
        raise refuse(provider, f"the algorithm is {_short(token.algorithm)}, not {wanted}")
    if token.key_id is None and provider.dialect is Dialect.CUSTOM_JWT:
        raise refuse(provider, "the header has no kid")


def check_claims(token: Token, provider: Provider, now_s: float) -> float:
    """Check the claims of a token whose signature is good; return its end, in seconds since 1970.

    Raises:
        UnauthenticatedError: the token is over or not yet begun, or not meant for this app.
    """
    claims = token.claims
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise refuse(provider, f"sub must be a text that is not empty, not {_short(subject)}")
    if provider.dialect is Dialect.OIDC and len(token.audiences) != 1:
        raise refuse(provider, f"the token is for {len(token.audiences)} audiences, not for one")
    if "exp" not in claims:
        raise refuse(provider, "exp is missing")
    end_s = _time(provider, claims, "exp", 0)
    if now_s >= end_s + provider.skew_s:
        raise refuse(provider, "the token has expired")
    skew_s = limits.TOKEN_CLOCK_SKEW_MS_MAX / 1000
    if _time(provider, claims, "nbf", 0) > now_s + skew_s:
        raise refuse(provider, "the token is not valid yet (nbf)")
    if _time(provider, claims, "iat", 0) > now_s + limits.TOKEN_ISSUED_AHEAD_MS_MAX / 1000:
        raise refuse(provider, "the token was issued in the future (iat)")
    return float(end_s)


def refuse(provider: Provider, reason: str) -> errors.UnauthenticatedError:
    """Return the error of a token that its provider's rules do not allow."""
    kind = "OIDC token" if provider.dialect is Dialect.OIDC else "token"
    return errors.UnauthenticatedError(
        provider.refusal_code, f"Could not verify {kind} claim: {reason}"
    )


# --- Reading ------------------------------------------------------------------------------


def _check_header(header: Mapping[str, object]) -> str:
    for name in REFUSED_HEADERS:
        if name in header:
            raise _unreadable(f"the header has {name}, which is not allowed")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        raise _unreadable(f"typ is {_short(kind)}, not JWT")
    if "cty" in header:
        raise _unreadable("the header has cty: a token inside a token is not read")
    return _wanted_text(header, "alg")


def _read_object(name: str, part: str) -> Mapping[str, object]:
    data = _decode(name, part)
    try:
        # The first is strict, about half a surrogate pair for one; only the second sees doubles.
        orjson.loads(data)
        parsed = json.loads(data, object_pairs_hook=_object_without_doubles)
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"the {name} is no plain JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise _unreadable(f"the {name} is no object")
    return parsed


def _decode(name: str, part: str) -> bytes:
    if _CONTENT.fullmatch(part) is None:
        raise _unreadable(f"the {name} is no base64url")
    try:
        data = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise _unreadable(f"the {name} is no base64url: {error}") from error
    # The last letter has bits that mean nothing; only zeros are allowed there.
    if urlsafe_b64encode(data).rstrip(b"=").decode() != part:
        raise _unreadable(f"the {name} is no base64url in its only form")
    return data


def _object_without_doubles(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _audiences(given: object) -> tuple[str, ...]:
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list | tuple):
        raise _unreadable("aud is neither a text nor a list of texts")
    audiences = tuple(each for each in listed if isinstance(each, str))
    if len(audiences) != len(listed):
        raise _unreadable("aud is neither a text nor a list of texts")
    return audiences


def _wanted_text(fields: Mapping[str, object], name: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str) or not text:
        raise _unreadable(f"{name} must be a text that is not empty, not {_short(text)}")
    return text


def _optional_text(fields: Mapping[str, object], name: str) -> str | None:
    return _wanted_text(fields, name) if name in fields else None


def _time(provider: Provider, claims: Mapping[str, object], name: str, default: int) -> int:
    time_s = claims.get(name, default)
    # Not isinstance: True is an int, and no time.
    if type(time_s) is not int or not 0 <= time_s <= _TIME_S_MAX:
        raise refuse(provider, f"{name} must be whole seconds since 1970, not {_short(time_s)}")
    return time_s


def _short(thing: object) -> str:
    text = repr(thing)
    return text if len(text) <= 80 else text[:77] + "..."


def _unreadable(reason: str) -> errors.UnauthenticatedError:
    return errors.UnauthenticatedError(
        "InvalidAuthHeader", f"The token cannot be read as a JWT: {reason}"
    )
