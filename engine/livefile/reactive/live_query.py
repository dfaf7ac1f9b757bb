"""The two ends of a live query: the entry that holds its outcome, and who watches it.

Each knows the other, so they live together. Not here: what happens to them
(``reactive/query_cache.py``, ``reactive/subscriptions.py``).
"""

from collections.abc import Callable
from dataclasses import replace

from livefile.functions.call import Call, Outcome, Success
from livefile.model.identity import ANONYMOUS, Identity
from livefile.reactive.query_run import QueryRun
from livefile.reactive.query_set import Update, WatchQuery
from livefile.transaction.read_set import ReadSet

SharedKey = tuple[str, bytes, str | None, bool]
"""Function path, packed arguments, the journal to begin with, and whether internal functions may
be called."""

QueryKey = tuple[SharedKey, str | None]
"""What makes a query the same one: the identity's key belongs to it if the query has read it."""


class CacheEntry:
    """One query with its newest outcome, what it read for it, and who watches it.

    ``call`` holds the journal of the newest run. ``is_pending`` while the query waits for the slow
    lane or runs there: then the outcome is that of an earlier run, None if there was none.
    """

    __slots__ = (
        "call", "has_read_time", "is_pending", "key", "made_ns", "outcome", "reads", "shared_key",
        "watchers",
    )  # fmt: skip

    def __init__(self, call: Call, shared_key: SharedKey) -> None:
        self.call = call
        self.shared_key = shared_key
        self.key: QueryKey | None = None
        self.outcome: Outcome | None = None
        self.reads = ReadSet()
        self.has_read_time = False
        self.is_pending = False
        self.made_ns = 0
        self.watchers: dict[tuple[Watcher, int], None] = {}

    def keep(self, run: QueryRun) -> None:
        """Take the result of a run."""
        if self.outcome != run.outcome:  # Else the same object: encoders share it.
            self.outcome = run.outcome
        self.reads = run.reads
        self.has_read_time = run.has_read_time
        self.made_ns = run.made_ns
        if isinstance(run.outcome, Success) and run.outcome.journal != self.call.journal:
            self.call = replace(self.call, journal=run.outcome.journal)


class Watcher:
    """One client's query set as the engine's thread has it. ``deliver`` hears its updates."""

    def __init__(self, deliver: Callable[[Update], None]) -> None:
        self.deliver = deliver
        self.queries: dict[int, tuple[WatchQuery, CacheEntry]] = {}
        self.sent: dict[int, Outcome] = {}
        self.identity: Identity = ANONYMOUS
        self.query_set_version = 0
        self.identity_version = 0
        self.prepared: PreparedUpdate | None = None
        self.is_closed = False

    def forget(self) -> None:
        """Let go of what it holds: it and the client's socket know each other."""
        self.queries.clear()
        self.sent.clear()
        self.prepared = None
        self.deliver = _unheard


class PreparedUpdate:
    """An update that is complete but for the outcomes of slow queries at its timestamp."""

    __slots__ = ("identity_version", "outcomes", "query_set_version", "ts", "waiting")

    def __init__(
        self, watcher: Watcher, ts: int, outcomes: dict[int, Outcome | None], waiting: set[int]
    ) -> None:
        self.ts = ts
        self.query_set_version = watcher.query_set_version
        self.identity_version = watcher.identity_version
        self.outcomes = outcomes
        self.waiting = waiting
        """The ids of the queries whose outcomes are to come."""

    def update(self) -> Update:
        """Return the update, once nothing is waited for."""
        return Update(
            ts=self.ts,
            query_set_version=self.query_set_version,
            identity_version=self.identity_version,
            outcomes=self.outcomes,
        )


def _unheard(update: Update) -> None:
    """Nobody is there to hear it."""
