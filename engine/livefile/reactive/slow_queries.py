"""Queries in the slow lane: those of one cycle run together, on the snapshot of that cycle.

The engine's thread goes on meanwhile. Only what waits for a slow query waits: its callers, and the
clients that watch it. There are as many runs at a time as the lane has threads; queries beyond
that are due, and join the next run.

Not here: what happens with the outcomes (``reactive/subscriptions.py``).
"""

from collections.abc import Callable
from contextlib import ExitStack

from livefile.functions.call import Call, Outcome
from livefile.functions.lane import Lane
from livefile.functions.watchdog import TimedOut
from livefile.reactive.live_query import CacheEntry, QueryKey, SharedKey
from livefile.reactive.query_run import QueryRun, QueryRuns, timed_out_run
from livefile.reactive.requests import Query
from livefile.transaction.snapshot import Snapshot
from livefile.vocabulary.errors import SnapshotExpiredError, StorageFailedError
from livefile.vocabulary.limits import SLOW_FUNCTIONS_RUNNING_MAX


class SlowRun:
    """Some queries on one snapshot, and who waits for them."""

    def __init__(self, entries: list[CacheEntry], ts: int) -> None:
        self.entries = entries
        self.ts = ts
        self.results: list[QueryRun] = []
        self.is_outdated = False
        self.error: SnapshotExpiredError | StorageFailedError | None = None
        self.queries: list[tuple[Query, list[CacheEntry | Outcome]]] = []


class SlowQueries:
    """Pending queries. Engine's thread, except for ``_work``."""

    def __init__(self, lane: Lane, runs: QueryRuns, wake: Callable[[], None]) -> None:
        """Take the lane, what runs queries, and how to ask for a step."""
        self._lane = lane
        self._runs = runs
        self._wake = wake
        self._pending: dict[QueryKey, CacheEntry] = {}
        # The run that the current cycle will start; None while there is no room for another.
        self._next: dict[CacheEntry, None] | None = None
        self._due: dict[CacheEntry, None] = {}
        self._running: list[SlowRun] = []
        self._landed: list[SlowRun] = []

    def __bool__(self) -> bool:
        """Return whether any query is pending."""
        return bool(self._running or self._due or self._next)

    @property
    def has_landed(self) -> bool:
        """Whether a run is complete."""
        return bool(self._landed)

    def take_landed(self) -> list[SlowRun]:
        """Return the runs that are complete; their queries are no longer pending.

        Raises:
            StorageFailedError: the file could not be read.
        """
        for run in self._landed:
            if isinstance(run.error, StorageFailedError):
                raise run.error
        landed, self._landed = self._landed, []
        for run in landed:
            self._running.remove(run)
            for entry in run.entries:
                self._forget(entry)
        return landed

    def abandon(self) -> list[Query]:
        """Return those who wait for runs, because none will be taken any more."""
        return [query for run in self._running for query, _ in run.queries]

    def begin_cycle(self) -> None:
        """Let queries that are due join the run of this cycle, if there is room for one."""
        if len(self._running) < SLOW_FUNCTIONS_RUNNING_MAX:
            self._next, self._due = self._due, {}
        else:
            self._next = None

    def defer(self, entry: CacheEntry) -> None:
        """Have a query run in the lane: on this cycle's snapshot if there is room, else later."""
        entry.is_pending = True
        self._pending[entry.shared_key, entry.call.identity.key] = entry
        (self._due if self._next is None else self._next)[entry] = None

    def outdate(self) -> None:
        """Have the results of what runs now thrown away, because the code has changed."""
        for run in self._running:
            run.is_outdated = True

    def find(self, shared_key: SharedKey, identity_key: str | None) -> CacheEntry | None:
        """Return the pending entry of a query, None if there is none."""
        return self._pending.get((shared_key, identity_key))

    def is_in_cycle(self, entry: CacheEntry) -> bool:
        """Return whether a pending query will run on the snapshot of this cycle."""
        return self._next is not None and entry in self._next

    def end_cycle(self, snapshot: Snapshot, lent: ExitStack) -> SlowRun | None:
        """Start the run of this cycle, if it has queries; then the run gives back what is lent."""
        entries, self._next = self._next, None
        if not entries:
            return None
        run = SlowRun(list(entries), snapshot.ts)
        self._running.append(run)
        taken_over = lent.pop_all()
        self._lane.start_at_once(lambda: self._work(run, snapshot, taken_over))
        return run

    def _forget(self, entry: CacheEntry) -> None:
        entry.is_pending = False
        key = entry.shared_key, entry.call.identity.key
        # Another one took its place if it was asked for between two runs of this one.
        if self._pending.get(key) is entry:
            del self._pending[key]

    def _work(self, run: SlowRun, snapshot: Snapshot, lent: ExitStack) -> None:
        """Run the queries, on a thread of the lane."""
        try:
            with lent:
                for entry in run.entries:
                    run.results.append(self._run(entry.call, snapshot))
        except (SnapshotExpiredError, StorageFailedError) as error:
            run.error = error
        self._landed.append(run)
        self._wake()

    def _run(self, call: Call, snapshot: Snapshot) -> QueryRun:
        try:
            return self._runs.run(call, snapshot, self._lane.run)
        except TimedOut:
            return timed_out_run(call, snapshot.ts)
