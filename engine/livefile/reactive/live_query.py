"""The two ends of a live query: the entry that holds its outcome, and who watches it.

Each knows the other, so they live together. Not here: what happens to them
(``reactive/query_cache.py``, ``reactive/subscriptions.py``).
"""

from collections.abc import Callable

from livefile.functions.call import Call, Outcome
from livefile.model.identity import ANONYMOUS, Identity
from livefile.reactive.query_set import Update, WatchQuery
from livefile.transaction.read_set import ReadSet

SharedKey = tuple[str, bytes, bool]
"""Function path, packed arguments, and whether internal functions may be called."""

QueryKey = tuple[SharedKey, str | None]
"""What makes a query the same one: the identity's key belongs to it if the query has read it."""


class CacheEntry:
    """One query with its newest outcome, what it read for it, and who watches it."""

    __slots__ = (
        "call", "has_read_time", "key", "made_ns", "outcome", "reads", "shared_key",
        "watchers",
    )  # fmt: skip

    def __init__(self, call: Call, shared_key: SharedKey) -> None:
        self.call = call
        self.shared_key = shared_key
        self.key: QueryKey | None = None
        self.outcome: Outcome | None = None
        self.reads = ReadSet()
        self.has_read_time = False
        self.made_ns = 0
        self.watchers: set[tuple[Watcher, int]] = set()


class Watcher:
    """One client's query set as the readers' thread has it. ``deliver`` hears its updates."""

    def __init__(self, deliver: Callable[[Update], None]) -> None:
        self.deliver = deliver
        self.queries: dict[int, tuple[WatchQuery, CacheEntry]] = {}
        self.sent: dict[int, Outcome] = {}
        self.identity: Identity = ANONYMOUS
        self.query_set_version = 0
        self.identity_version = 0
        self.is_closed = False
