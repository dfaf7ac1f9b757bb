"""Live queries: run once, watched by many, run again when a commit touches what they read.

All state here belongs to the engine's thread. Its work comes in cycles. A cycle takes one
snapshot, asks which entries the commits since the last cycle touched, runs those that are
watched, answers what waits, and hands every watcher one update at the snapshot's timestamp. So
all queries of a client move together. A query that is too slow for the engine's thread runs in the
slow lane on the same snapshot, and nobody waits for it but who watches it.

Not here: the cache itself (``reactive/query_cache.py``); what watchers have yet to hear
(``reactive/deliveries.py``); the lane (``reactive/slow_queries.py``).
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from random import Random

from livefile.functions.call import Call, Outcome
from livefile.functions.callback import call_back
from livefile.functions.lane import Lane
from livefile.functions.watchdog import Preempted
from livefile.reactive.deliveries import Deliveries
from livefile.reactive.live_query import CacheEntry, Watcher
from livefile.reactive.past_queries import PastQueries
from livefile.reactive.query_cache import QueryCache, shared_key
from livefile.reactive.query_run import QueryRun, QueryRuns
from livefile.reactive.query_set import QuerySetChange, WatchQuery
from livefile.reactive.requests import (
    Answered,
    Change,
    Close,
    PastQuery,
    Query,
    Request,
    Requests,
    Require,
    RunAgain,
)
from livefile.reactive.slow_queries import SlowQueries, SlowRun
from livefile.transaction.database import Database
from livefile.transaction.snapshot import Snapshot
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import (
    LivefileError,
    LogTrimmedError,
    OverloadedError,
)
from livefile.vocabulary.limits import (
    CYCLE_REQUESTS_MAX,
    SLOW_FUNCTIONS_WAITING_MAX,
    TIME_RESULT_AGE_MS_MAX,
)


class Subscriptions:
    """All watchers and their queries. For the engine's thread only."""

    def __init__(
        self,
        database: Database,
        requests: Requests,
        runs: QueryRuns,
        clock: Clock,
        random: Random,
        lane: Lane,
    ) -> None:
        """Take what is asked, what runs queries, and the slow lane."""
        self._database = database
        self._runs = runs
        self._clock = clock
        self._random = random
        self._lane = lane
        self._cache = QueryCache()
        self._requests = requests
        self._slow = SlowQueries(lane, runs, requests.wake)
        self._past = PastQueries(database, runs, lane, self._requests.answered)
        self._deliveries = Deliveries(self._slow)
        self._ts = database.published_ts
        # Taken from the queue, and not handled yet.
        self._taken: list[Request] = []
        # For queries that run in the lane, but on an older snapshot.
        self._postponed: list[Query] = []
        # What waits for the run that this cycle will start.
        self._waiting: list[tuple[Query, list[CacheEntry | Outcome]]] = []

    @property
    def is_idle(self) -> bool:
        """Whether everything that was accepted is answered."""
        return not (self._requests or self._taken or self._postponed or self._slow or self._past)

    @property
    def figures(self) -> tuple[int, int, int]:
        """Answers from the cache up to now; queries that are watched; all in the cache."""
        return self._runs.cache_hits_count, self._cache.watched_count, len(self._cache)

    def answer_now(self, call: Call, done: Callable[[Outcome], None]) -> bool:
        """Answer a query from the cache, if its outcome is there and of the newest state."""
        if self._ts != self._database.published_ts:
            return False
        entry = self._cache.find(shared_key(call), call.identity)
        if entry is None or entry.outcome is None or self._is_stale(entry):
            return False
        self._runs.note_cached(call, entry.outcome)
        call_back(done, entry.outcome)
        return True

    def abandon(self, error: LivefileError) -> None:
        """Answer everything that waits with ``error``, because the engine cannot go on."""
        self._requests.close()
        self._taken += self._requests.take()
        in_lane = [*self._slow.abandon(), *self._past.abandon()]
        for request in (*self._taken, *self._postponed, *in_lane):
            if isinstance(request, Query | PastQuery):
                call_back(request.done, error)
        self._taken.clear()
        self._postponed.clear()

    def run_cycle(self) -> None:
        """Do all work that waits, at one snapshot."""
        self._taken += self._requests.take(CYCLE_REQUESTS_MAX - len(self._taken))
        has_landed = self._slow.has_landed
        published_ts = self._database.published_ts
        if not (self._taken or has_landed or self._ts < published_ts):
            return
        if not has_landed and self._pass_by(published_ts):
            self._deliveries.send(self._ts)
            return
        with ExitStack() as lent:
            snapshot = lent.enter_context(self._database.newest_snapshot())
            if snapshot is None:
                return  # The step after the commit's own answers comes here again.
            self._run_cycle(snapshot)
            # Before a run in the lane begins, because it asks which queries belong to it.
            self._deliveries.send(snapshot.ts)
            run = self._slow.end_cycle(snapshot, lent)
            if run is not None:
                self._database.prolong(snapshot)
                run.queries, self._waiting = self._waiting, []

    def _run_cycle(self, snapshot: Snapshot) -> None:
        requests, self._taken = self._taken, []
        landed = self._slow.take_landed()
        self._slow.begin_cycle()  # After those have landed, because then there is room.
        if landed:
            for run in landed:
                self._land(run, snapshot)
            requests = [*self._postponed, *requests]
            self._postponed = []
        self._apply_commits(snapshot)
        for request in requests:
            self._handle(request, snapshot)
        if self._requests:
            self._requests.wake()

    def _pass_by(self, published_ts: int) -> bool:
        """Move to the newest commit without a snapshot if nothing has to run; else do nothing.

        Most commits touch no query that anybody watches.
        """
        if not all(isinstance(request, Require) for request in self._taken):
            return False
        try:
            commits = self._database.write_log.between(self._ts, published_ts)
        except LogTrimmedError:
            return False
        touched = self._cache.touched_by(commits)
        if any(entry.watchers for entry in touched):
            return False
        for entry in touched:
            self._cache.drop(entry)
        self._ts = published_ts
        for request in self._taken:
            assert isinstance(request, Require)
            self._deliveries.require(request.watcher, request.ts)
        self._taken = []
        return True

    def _apply_commits(self, snapshot: Snapshot) -> None:
        try:
            commits = self._database.write_log.between(self._ts, snapshot.ts)
            touched: Iterable[CacheEntry] = self._cache.touched_by(commits)
        except LogTrimmedError:
            touched = self._cache.entries
        self._ts = snapshot.ts
        for entry in touched:
            self._invalidate(entry, snapshot)

    def _handle(self, request: Request, snapshot: Snapshot) -> None:
        match request:
            case Query():
                self._query(request, snapshot)
            case PastQuery():
                self._past.run(request)
            case Answered():
                self._past.take_answered(request)
            case Change():
                self._change(request.watcher, request.change, snapshot)
            case Require():
                self._deliveries.require(request.watcher, request.ts)
            case Close():
                for query_id, (_, entry) in request.watcher.queries.items():
                    self._cache.unwatch(entry, request.watcher, query_id)
                request.watcher.forget()
                self._deliveries.forget(request.watcher)
            case RunAgain():
                self._slow.outdate()
                for entry in self._cache.entries:
                    self._invalidate(entry, snapshot)
                call_back(request.done, None)

    def _query(self, request: Query, snapshot: Snapshot) -> None:
        entries = [self._entry(call, snapshot) for call in request.calls]
        pending = [entry for entry in entries if entry.is_pending]
        if not pending:
            call_back(request.done, _outcomes_of(entries))
        elif all(map(self._slow.is_in_cycle, pending)):
            # The others may have moved on when these are there.
            parts = [it.outcome if it.outcome and not it.is_pending else it for it in entries]
            self._waiting.append((request, parts))
        elif len(self._postponed) < SLOW_FUNCTIONS_WAITING_MAX:
            self._postponed.append(request)
        else:
            message = f"{SLOW_FUNCTIONS_WAITING_MAX} callers wait for slow queries; try later"
            call_back(request.done, OverloadedError("TooManyConcurrentRequests", message))

    def _invalidate(self, entry: CacheEntry, snapshot: Snapshot) -> None:
        """Drop an entry that is no longer valid; run it again for those who watch it."""
        if entry.key is None:
            return  # It made room for another one since it was found, or is running.
        self._cache.drop(entry)
        if not entry.watchers:
            return
        self._run_and_tell(entry, snapshot)

    def _run_and_tell(self, entry: CacheEntry, snapshot: Snapshot) -> None:
        """Run an entry's query and note the outcome for those who watch it."""
        before = entry.outcome
        result = self._run(entry, snapshot)
        # With the same outcome it may be for other callers than before, or have made room.
        if result is not None and (
            entry.outcome is not before or result.has_read_identity or entry.key is None
        ):
            self._tell(entry, result, snapshot)

    def _tell(self, entry: CacheEntry, result: QueryRun, snapshot: Snapshot) -> None:
        """Note an entry's outcome for those who watch it."""
        outcome = entry.outcome
        assert outcome is not None
        for watcher, query_id in list(entry.watchers):
            if entry.key is None or not _is_for(result, entry, watcher):
                # The run before was of this identity and this one is for all, so another entry
                # has it already; or the run before was for all, and now each needs its own.
                self._watch(watcher, watcher.queries[query_id][0], snapshot)
            else:
                self._deliveries.note(watcher, query_id, outcome)

    def _change(self, watcher: Watcher, change: QuerySetChange, snapshot: Snapshot) -> None:
        if watcher.is_closed:
            return
        self._deliveries.touch(watcher)
        for query_id in change.removed:
            if query_id in watcher.queries:
                _, entry = watcher.queries.pop(query_id)
                self._cache.unwatch(entry, watcher, query_id)
                self._deliveries.note_removed(watcher, query_id)
        watcher.query_set_version = change.query_set_version
        watcher.identity_version = change.identity_version
        if change.identity != watcher.identity:
            self._deliveries.take_back(watcher)
            watcher.identity = change.identity
            for watch, _ in list(watcher.queries.values()):
                self._watch(watcher, watch, snapshot)
        for watch in change.added:
            self._watch(watcher, watch, snapshot)

    def _watch(self, watcher: Watcher, watch: WatchQuery, snapshot: Snapshot) -> None:
        """Let a watcher's query have an entry of its identity, run now if there is none.

        It gives up the entry that it had.
        """
        if watch.query_id in watcher.queries:
            _, before = watcher.queries.pop(watch.query_id)
            self._cache.unwatch(before, watcher, watch.query_id)
        call = Call(
            path=watch.path,
            args=watch.args,
            identity=watcher.identity,
            request_id=f"{self._random.getrandbits(64):016x}",
            journal=watch.journal,
        )
        entry = self._entry(call, snapshot)
        self._cache.watch(entry, watcher, watch.query_id)
        watcher.queries[watch.query_id] = (watch, entry)
        if entry.is_pending:
            self._deliveries.touch(watcher)
        else:
            assert entry.outcome is not None
            self._deliveries.note(watcher, watch.query_id, entry.outcome)

    # --- Running ---------------------------------------------------------------------------

    def _entry(self, call: Call, snapshot: Snapshot) -> CacheEntry:
        """Return the entry of a query, run now if there is no valid one."""
        key = shared_key(call)
        entry = self._cache.find(key, call.identity)
        if entry is not None and self._is_stale(entry):
            self._invalidate(entry, snapshot)
            entry = self._cache.find(key, call.identity)
        if entry is not None and entry.outcome is not None:
            self._runs.note_cached(call, entry.outcome)
        if entry is None and self._slow:
            entry = self._slow.find(key, call.identity.key)
        if entry is None:
            entry = CacheEntry(call, key)
            self._run(entry, snapshot)
        return entry

    def _is_stale(self, entry: CacheEntry) -> bool:
        """Tell whether a result that depends on the time is too old for a new caller."""
        if not entry.has_read_time:
            return False
        age_ms = (self._clock.now_ns() - entry.made_ns) / 1e6
        return not 0 <= age_ms <= TIME_RESULT_AGE_MS_MAX

    def _run(self, entry: CacheEntry, snapshot: Snapshot) -> QueryRun | None:
        """Run an entry's query and cache it; None if that is left to the slow lane."""
        lane, call = self._lane, entry.call
        if not lane.is_slow(call.path):
            try:
                result = self._runs.run(call, snapshot, lane.run_at_head)
            except Preempted as stop:
                if stop.is_slow:
                    lane.note_slow(call.path)
            else:
                entry.keep(result)
                self._cache.put(entry, has_read_identity=result.has_read_identity)
                return result
        self._slow.defer(entry)
        for watcher, _ in entry.watchers:
            self._deliveries.touch(watcher)
        return None

    def _land(self, run: SlowRun, snapshot: Snapshot) -> None:
        """Take the results of a run in the slow lane, which may be old by now."""
        if run.error is not None or run.is_outdated:
            self._run_anew(run, snapshot)
            return
        for entry, result in zip(run.entries, run.results, strict=True):
            entry.keep(result)
        for query, entries in run.queries:
            call_back(query.done, _outcomes_of(entries))
        try:
            commits = self._database.write_log.between(run.ts, snapshot.ts)
        except LogTrimmedError:
            commits = None
        for entry, result in zip(run.entries, run.results, strict=True):
            self._fill_in(run, entry, result, snapshot)
            if commits is not None and not any(map(entry.reads.is_touched_by, commits)):
                self._cache.put(entry, has_read_identity=result.has_read_identity)
                self._tell(entry, result, snapshot)
            elif entry.watchers:
                self._run_and_tell(entry, snapshot)

    def _run_anew(self, run: SlowRun, snapshot: Snapshot) -> None:
        """Have a run's queries run on this snapshot: its own has expired, or the code is old."""
        for entry in run.entries:
            for watcher, _ in entry.watchers:
                self._deliveries.take_back(watcher)
            if entry.watchers:
                self._run_and_tell(entry, snapshot)
        # Not now: the cache is not yet of this snapshot's state.
        self._postponed += [query for query, _ in run.queries]

    def _fill_in(
        self, run: SlowRun, entry: CacheEntry, result: QueryRun, snapshot: Snapshot
    ) -> None:
        """Complete the updates that were prepared at the run's timestamp."""
        assert entry.outcome is not None
        for watcher, query_id in list(entry.watchers):
            if not _is_for(result, entry, watcher):
                # The run before was for all. What this one would be for him nobody knows.
                self._deliveries.take_back(watcher)
                self._watch(watcher, watcher.queries[query_id][0], snapshot)
                continue
            prepared = watcher.prepared
            if prepared is not None and prepared.ts == run.ts and query_id in prepared.waiting:
                self._deliveries.fill_in(watcher, query_id, entry.outcome)


def _is_for(result: QueryRun, entry: CacheEntry, watcher: Watcher) -> bool:
    """Tell whether a result of one identity is also that of a watcher's."""
    return not result.has_read_identity or watcher.identity == entry.call.identity


def _outcomes_of(parts: Iterable[CacheEntry | Outcome]) -> list[Outcome]:
    outcomes = [part.outcome if isinstance(part, CacheEntry) else part for part in parts]
    return [outcome for outcome in outcomes if outcome is not None]
