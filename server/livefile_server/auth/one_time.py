"""Things that are kept for a while under a secret, and given away once.

They are in memory: after a restart whoever waits begins again.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from livefile import limits

T = TypeVar("T")

_NS_PER_MS = 1_000_000


class OneTime(Generic[T]):
    """Keeps things for ``age_ms_max``; of too many the oldest go. One event loop."""

    def __init__(self, age_ms_max: int, now_ns: Callable[[], int]) -> None:
        self._age_ns_max = age_ms_max * _NS_PER_MS
        self._now_ns = now_ns
        self._kept: OrderedDict[bytes, tuple[int, T]] = OrderedDict()

    def keep(self, thing: T) -> str:
        """Keep a thing and return the secret under which it is."""
        secret = secrets.token_urlsafe(32)
        self._kept[_hash(secret)] = (self._now_ns() + self._age_ns_max, thing)
        if len(self._kept) > limits.OAUTH_PENDING_MAX:
            self._kept.popitem(last=False)
        return secret

    def take(self, secret: str) -> T | None:
        """Return what is kept under a secret and forget it, None if there is nothing."""
        end_ns, thing = self._kept.pop(_hash(secret), (0, None))
        return thing if self._now_ns() < end_ns else None


# By the hash, so that the time of a look-up tells nothing about secrets.
def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
