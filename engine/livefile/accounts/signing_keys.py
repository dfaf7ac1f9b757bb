"""The keys by which a deployment signs its access tokens, and the name under which it does.

They are a setting of the file, so they move with it. The newest key signs; it is replaced after a
while, and published for some time before it signs and after it did, so that nobody who keeps
published keys meets an unknown one.

Not here: tokens and how keys are published (the server's ``auth/own_issuer.py``).
"""

import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

import orjson

from livefile.vocabulary.limits import SIGNING_KEY_AGE_MS_MAX, SIGNING_KEY_OVERLAP_MS

SETTING = "auth_signing_keys"

_SEED_LENGTH = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key of Ed25519: its seed, which is the private half."""

    id: str
    seed: bytes = field(repr=False)
    created_ms: int


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys, newest first, and the issuer's name for as long as the app gives it none."""

    name: str
    keys: tuple[SigningKey, ...]

    def signing_key(self, now_ms: int) -> SigningKey:
        """Return the key that signs now: the newest that was published for long enough."""
        known = (key for key in self.keys if now_ms - key.created_ms >= SIGNING_KEY_OVERLAP_MS)
        return next(known, self.keys[-1])

    def is_current(self, now_ms: int) -> bool:
        """Return whether nothing is to be added or taken away."""
        return rotated(self, now_ms) is self


def rotated(before: SigningKeys | None, now_ms: int) -> SigningKeys:
    """Return the keys that there should be now; ``before`` itself if they are those."""
    if before is None:
        return SigningKeys(name=secrets.token_hex(12), keys=(_new_key(now_ms),))
    keys = before.keys
    newest = keys[0]
    age_ms = now_ms - newest.created_ms
    # A clock that was ahead must not keep a key for ever.
    if age_ms >= SIGNING_KEY_AGE_MS_MAX or age_ms < -SIGNING_KEY_AGE_MS_MAX:
        keys = (_new_key(now_ms), newest)
    elif len(keys) > 1 and age_ms >= 2 * SIGNING_KEY_OVERLAP_MS:
        keys = (newest,)
    return before if keys is before.keys else SigningKeys(name=before.name, keys=keys)


def encode_keys(keys: SigningKeys) -> bytes:
    """Return the keys as the setting has them."""
    listed = [
        {"id": key.id, "seed": b64encode(key.seed).decode(), "createdMs": key.created_ms}
        for key in keys.keys
    ]
    return orjson.dumps({"name": keys.name, "keys": listed})


def decode_keys(setting: bytes | None) -> SigningKeys | None:
    """Return the keys in the setting, None if there are none yet."""
    if setting is None:
        return None
    items = orjson.loads(setting)
    return SigningKeys(
        name=items["name"],
        keys=tuple(
            SigningKey(id=key["id"], seed=b64decode(key["seed"]), created_ms=key["createdMs"])
            for key in items["keys"]
        ),
    )


def _new_key(now_ms: int) -> SigningKey:
    return SigningKey(
        id=secrets.token_hex(8), seed=secrets.token_bytes(_SEED_LENGTH), created_ms=now_ms
    )
