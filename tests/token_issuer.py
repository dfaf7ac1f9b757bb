"""An issuer of real tokens, signed by real keys, for tests of signing in.

Not here: the HTTP server that publishes its keys (``issuer_server.py``).
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

ISSUER = "https://issuer.example"
APPLICATION = "app"
NOW_S = 1_700_000_000


@cache
def rsa_key(name: str = "", bits: int = 2048) -> RSAPrivateKey:
    """Return the same key for the same name, within one run: making one takes long."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


@cache
def ec_key(name: str = "", curve: str = "P-256") -> EllipticCurvePrivateKey:
    curves: Mapping[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
    return ec.generate_private_key(curves[curve])


@cache
def ed_key(name: str = "") -> Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def json_part(content: object) -> str:
    return encode(json.dumps(content).encode())


def public_jwk(key: PrivateKey, **fields: object) -> dict[str, Any]:
    """Return the public half; ``fields`` are added, and taken away where they are None."""
    public = key.public_key()
    jwk: dict[str, Any]
    if isinstance(public, rsa.RSAPublicKey):
        jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        jwk = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        jwk = OKPAlgorithm.to_jwk(public, as_dict=True)
    jwk.pop("key_ops", None)
    return {name: each for name, each in {**jwk, **fields}.items() if each is not None}


def key_set(*jwks: Mapping[str, object]) -> bytes:
    return json.dumps({"keys": list(jwks)}).encode()


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Signs tokens with one key."""

    key: PrivateKey
    algorithm: str = "RS256"
    key_id: str | None = "k1"
    issuer: str = ISSUER
    application: str = APPLICATION
    now_s: float = NOW_S

    @property
    def jwk(self) -> dict[str, Any]:
        return public_jwk(self.key, kid=self.key_id, use="sig", alg=self.algorithm)

    def claims(self, **changes: object) -> dict[str, object]:
        """Return the claims of a good token; a change to None takes a claim away."""
        claims = {
            "iss": self.issuer,
            "sub": "ada",
            "aud": self.application,
            "iat": int(self.now_s),
            "exp": int(self.now_s) + 3600,
            **changes,
        }
        return {name: claim for name, claim in claims.items() if claim is not None}

    def header(self, **changes: object) -> dict[str, object]:
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.key_id, **changes}
        return {name: each for name, each in header.items() if each is not None}

    def token(self, header: Mapping[str, object] | None = None, /, **changes: object) -> str:
        """Return a token with a good signature, whatever it says."""
        return self.sign(
            json_part(self.header(**(header or {}))), json_part(self.claims(**changes))
        )

    def sign(self, header: str, payload: str) -> str:
        """Return a token of two parts as they are."""
        algorithm: Any = get_default_algorithms()[self.algorithm]
        signature = algorithm.sign(f"{header}.{payload}".encode(), self.key)
        return f"{header}.{payload}.{encode(signature)}"
