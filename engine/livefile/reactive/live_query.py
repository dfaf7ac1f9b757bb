"""The two ends of a live query: the entry that holds its outcome, and who watches it.

Each knows the other, so they live together. Not here: what happens to them
(``reactive/query_cache.py``, ``reactive/subscriptions.py``).
"""

from collections.abc import Callable

from livefile.functions.call import Call, Outcome
from livefile.model.identity import ANONYMOUS, Identity
from livefile.reactive.query_set import Update, WatchQuery
from livefile.transaction.read_set import ReadSet

QueryKey = tuple[str, bytes, bool, str | None]
"""Path, packed arguments, whether internal functions may be called, and the identity if read."""


class CacheEntry:
    """One query with its newest outcome, what it read for it, and who watches it."""

    __slots__ = ("call", "has_read_time", "key", "made_ns", "outcome", "reads", "watchers")

    def __init__(self, call: Call) -> None:
        self.call = call
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
        self.required_ts: int | None = None
        self.is_closed = False
