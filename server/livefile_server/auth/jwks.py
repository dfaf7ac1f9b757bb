"""A set of public keys, as an issuer publishes it, and which of them a token may be checked with.

A key is taken for what it says it is: its type and curve decide its only algorithm. A key that
says that it is for something else, is weak, or is no public key is passed over, because issuers
publish keys for many purposes in one set.

Not here: fetching a set and keeping it (``key_cache.py``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from livefile import errors, limits

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

# By the type of the key and its curve. There are no others: no secret shared by both sides, no
# second curve, no older hash.
_ALGORITHMS: Mapping[tuple[object, object], str] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
# The names of what only the holder of a private or a shared key knows.
_SECRET_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class Key:
    """One public key and the one algorithm that it is for."""

    key_id: str | None
    algorithm: str
    public_key: PublicKey


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of one issuer."""

    keys: tuple[Key, ...]

    def find(self, key_id: str | None, algorithm: str) -> Key | None:
        """Return the only key that fits, None if there is none or no telling which.

        A token that names no key fits the only key of its algorithm.
        """
        fitting = [
            key
            for key in self.keys
            if key.algorithm == algorithm and (key_id is None or key.key_id == key_id)
        ]
        return fitting[0] if len(fitting) == 1 else None


def parse_key_set(document: bytes) -> KeySet:
    """Return the usable keys in a JWK set.

    Raises:
        UnauthenticatedError: it is no JWK set at all.
    """
    if len(document) > limits.KEY_SET_SIZE_BYTES_MAX:
        raise _refuse(f"it has more than {limits.KEY_SET_SIZE_BYTES_MAX} bytes")
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise _refuse(f"no JSON: {error}") from error
    listed = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(listed, list):
        raise _refuse('no object with a list of "keys"')
    return KeySet(keys=tuple(_usable(listed)))


def _usable(listed: Iterable[object]) -> Iterable[Key]:
    for entry in listed:
        if not isinstance(entry, dict) or not entry.keys().isdisjoint(_SECRET_PARTS):
            continue
        kind = entry.get("kty")
        curve = entry.get("crv") if kind != "RSA" else None
        if not isinstance(kind, str) or not isinstance(curve, str | None):
            continue
        algorithm = _ALGORITHMS.get((kind, curve))
        if algorithm is not None and _is_for_signatures(entry, algorithm):
            public_key = _read_key(entry, algorithm)
            if public_key is not None:
                key_id = entry.get("kid")
                is_named = isinstance(key_id, str)
                yield Key(key_id if is_named else None, algorithm, public_key)


def _is_for_signatures(entry: Mapping[str, object], algorithm: str) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
    )


def _read_key(entry: Mapping[str, object], algorithm: str) -> PublicKey | None:
    try:
        key = PyJWK(dict(entry), algorithm).key
    except (PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPublicKey):
        is_sound = limits.RSA_KEY_BITS_MIN <= key.key_size <= limits.RSA_KEY_BITS_MAX
        return key if is_sound else None
    return key if isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey) else None


def _refuse(reason: str) -> errors.UnauthenticatedError:
    return errors.UnauthenticatedError(
        "AuthProviderDiscoveryFailed", f"The keys of the auth provider are no JWK set: {reason}"
    )
