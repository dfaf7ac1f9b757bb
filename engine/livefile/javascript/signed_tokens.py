"""``ctx.auth.signJwt``: tokens that mutations sign with the deployment's own key.

They are JSON Web Tokens by ES256. The key is made of a secret of the file, so it moves with the
file and stays the same; a repetition of a mutation signs the same text.

Not here: tokens by which users are signed in (``accounts/signing_keys.py``); checking tokens, which
whoever gets one does with the published key.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import BadRequestError
from livefile.vocabulary.limits import SIGNED_TOKEN_AGE_MS_MAX

_ALGORITHM = "ES256"
_NUMBER_LENGTH = 32
# One less than the order of the curve P-256: private keys are from 1 to that.
_KEYS_COUNT = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550
_AGE_S_MAX = SIGNED_TOKEN_AGE_MS_MAX // 1000
_RESERVED = frozenset({"exp", "iat", "iss", "nbf"})
_RESERVED_PREFIXES = ("convex", "cvx")

# Any: JSON.


def sign_token(transaction: Transaction, issuer: str, claims: object, age_s: object) -> str:
    """Return a token that is good for ``age_s`` from now on.

    Raises:
        BadRequestError: the claims or the age cannot be.
    """
    own, seconds = _checked_claims(claims), _checked_age_s(age_s)
    now_s = transaction.now_ns // 1_000_000_000
    key = _key(transaction.snapshot.token_secret())
    head = {"alg": _ALGORITHM, "typ": "JWT", "kid": _public_jwk(key)["kid"]}
    payload = {**own, "iss": issuer, "iat": now_s, "exp": now_s + seconds}
    text = f"{_part(orjson.dumps(head))}.{_part(orjson.dumps(payload))}"
    packed = key.sign(text.encode(), ec.ECDSA(SHA256(), deterministic_signing=True))
    halves = (half.to_bytes(_NUMBER_LENGTH, "big") for half in decode_dss_signature(packed))
    return f"{text}.{_part(b''.join(halves))}"


def public_keys(transaction: Transaction) -> list[dict[str, str]]:
    """Return what such tokens are checked with, as a list of JWKs."""
    return [_public_jwk(_key(transaction.snapshot.token_secret()))]


def _checked_claims(claims: object) -> Mapping[str, Any]:
    if claims is None:
        return {}
    if not isinstance(claims, dict):
        raise BadRequestError("InvalidClaims", f"claims are an object, got {claims!r:.100}")
    for name in claims:
        if name in _RESERVED or name.lower().startswith(_RESERVED_PREFIXES):
            raise BadRequestError(
                "InvalidClaims", f"the claim {name!r:.100} is reserved; give it another name"
            )
    return claims


def _checked_age_s(age_s: object) -> int:
    match age_s:
        case bool():
            pass  # Which is a number, too.
        case int() | float() if 1 <= age_s <= _AGE_S_MAX:
            return int(age_s)
    raise BadRequestError(
        "InvalidExpiration", f"expiresInSeconds is from 1 to {_AGE_S_MAX}, got {age_s!r:.100}"
    )


@lru_cache(maxsize=4)
def _key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hmac.digest(secret, b"ES256", "sha512"), "big") % _KEYS_COUNT + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def _public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (_part(it.to_bytes(_NUMBER_LENGTH, "big")) for it in (numbers.x, numbers.y))
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": x,
        "y": y,
        "kid": hashlib.sha256(f"{x}.{y}".encode()).hexdigest()[:16],
        "use": "sig",
        "alg": _ALGORITHM,
    }


def _part(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
