"""Live queries: run once, watched by many, run again when a commit touches what they read.

All state here belongs to one thread, the readers'. Its work comes in cycles. A cycle takes one
snapshot, asks which entries the commits since the last cycle touched, runs those that are
watched, answers what waits, and hands every watcher one update at the snapshot's timestamp. So
all queries of a client move together.

Not here: the cache itself (``reactive/query_cache.py``); sockets.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from livefile.functions.call import Call, FunctionKind, Outcome
from livefile.functions.callback import call_back
from livefile.functions.code_history import CodeHistory
from livefile.functions.work_queue import WorkQueue
from livefile.reactive.live_query import CacheEntry, Watcher
from livefile.reactive.query_cache import QueryCache, shared_key
from livefile.reactive.query_set import QuerySetChange, Update, WatchQuery
from livefile.transaction.database import Database
from livefile.transaction.snapshot import Snapshot
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import LivefileError, LogTrimmedError
from livefile.vocabulary.limits import QUERIES_QUEUED_MAX, TIME_RESULT_AGE_MS_MAX


@dataclass(frozen=True, slots=True)
class _Query:
    calls: Sequence[Call]
    done: Callable[[list[Outcome] | LivefileError], None]


@dataclass(frozen=True, slots=True)
class _PastQuery:
    call: Call
    ts: int
    done: Callable[[Outcome | LivefileError], None]


@dataclass(frozen=True, slots=True)
class _Change:
    watcher: Watcher
    change: QuerySetChange


@dataclass(frozen=True, slots=True)
class _Require:
    watcher: Watcher
    ts: int


@dataclass(frozen=True, slots=True)
class _Close:
    watcher: Watcher


@dataclass(frozen=True, slots=True)
class _RunAgain:
    done: Callable[[None], None]


_Request = _Query | _PastQuery | _Change | _Require | _Close | _RunAgain


class Subscriptions:
    """All watchers and their queries. ``run_cycle`` runs on the readers' thread only."""

    def __init__(self, database: Database, code: CodeHistory, clock: Clock, random: Random) -> None:
        """Take the database, the app's code, the clock, and the source of seeds."""
        self._database = database
        self._code = code
        self._clock = clock
        self._random = random
        self._cache = QueryCache()
        self._requests: WorkQueue[_Request] = WorkQueue(
            QUERIES_QUEUED_MAX, "TooManyConcurrentRequests"
        )
        self._ts = database.published_ts
        self._required: list[_Require] = []
        # What this cycle changes for each watcher: outcomes by query id.
        self._changed: dict[Watcher, dict[int, Outcome | None]] = {}

    # --- Called from any thread ------------------------------------------------------------

    def query(
        self, calls: Sequence[Call], done: Callable[[list[Outcome] | LivefileError], None]
    ) -> None:
        """Run queries at one snapshot, or take their outcomes from the cache.

        Raises:
            OverloadedError: too many requests are waiting.
        """
        self._requests.put(_Query(calls=calls, done=done))

    def query_past(
        self, call: Call, ts: int, done: Callable[[Outcome | LivefileError], None]
    ) -> None:
        """Run a query as it would have run at ``ts``; LogTrimmedError if that is not kept."""
        self._requests.put(_PastQuery(call=call, ts=ts, done=done))

    def change(self, watcher: Watcher, change: QuerySetChange) -> None:
        """Change a query set; one update will echo the change's versions."""
        self._requests.put(_Change(watcher=watcher, change=change))

    def require(self, watcher: Watcher, ts: int) -> None:
        """Ask for an update at ``ts`` or later, even if nothing changed."""
        self._requests.put_always(_Require(watcher=watcher, ts=ts))

    def close_watcher(self, watcher: Watcher) -> None:
        """Deliver nothing more to a watcher and forget its queries."""
        watcher.is_closed = True
        self._requests.put_always(_Close(watcher=watcher))

    def run_again(self, done: Callable[[None], None]) -> None:
        """Run every query anew, because the code changed."""
        self._requests.put(_RunAgain(done=done))

    def wake(self) -> None:
        """Begin a cycle: something was published."""
        self._requests.wake()

    def close(self) -> None:
        """Take no more requests."""
        self._requests.close()

    def abandon(self, error: LivefileError) -> None:
        """Answer everything that waits with ``error``; for when the thread has ended."""
        self.close()
        for request in self._requests.take(is_waiting=False):
            if isinstance(request, _Query | _PastQuery):
                call_back(request.done, error)

    # --- The readers' thread ---------------------------------------------------------------

    def run_cycle(self, *, is_waiting: bool = True) -> bool:
        """Wait for work and do all of it at one snapshot.

        Returns:
            False once closed.
        """
        requests = self._requests.take(is_waiting=is_waiting)
        if self._requests.is_closed and not requests:
            return False
        if self._pass_by(requests):
            self._deliver(self._ts)
            return True
        with self._database.snapshot() as snapshot:
            self._apply_commits(snapshot)
            for request in requests:
                self._handle(request, snapshot)
        self._deliver(snapshot.ts)
        return True

    def _pass_by(self, requests: Sequence[_Request]) -> bool:
        """Move to the newest commit without a snapshot if nothing has to run; else do nothing.

        Most commits touch no query that anybody watches.
        """
        if not all(isinstance(request, _Require) for request in requests):
            return False
        published_ts = self._database.published_ts
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
        for request in requests:
            assert isinstance(request, _Require)
            self._required.append(request)
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

    def _handle(self, request: _Request, snapshot: Snapshot) -> None:
        match request:
            case _Query():
                entries = [self._entry(call, snapshot) for call in request.calls]
                outcomes = [entry.outcome for entry in entries if entry.outcome is not None]
                call_back(request.done, outcomes)
            case _PastQuery():
                call_back(request.done, self._run_past(request))
            case _Change():
                self._change(request.watcher, request.change, snapshot)
            case _Require():
                self._required.append(request)
            case _Close():
                for query_id, (_, entry) in request.watcher.queries.items():
                    self._cache.unwatch(entry, request.watcher, query_id)
                request.watcher.queries.clear()
                self._changed.pop(request.watcher, None)
            case _RunAgain():
                for entry in self._cache.entries:
                    self._invalidate(entry, snapshot)
                call_back(request.done, None)

    def _invalidate(self, entry: CacheEntry, snapshot: Snapshot) -> None:
        """Drop an entry that is no longer valid; run it again for those who watch it."""
        if entry.key is None:
            return  # It made room for another one since it was found.
        self._cache.drop(entry)
        if not entry.watchers:
            return
        before = entry.outcome
        has_read_identity = self._run(entry, snapshot)
        if entry.outcome == before:
            entry.outcome = before  # The same object: encoders share it.
        outcome = entry.outcome
        assert outcome is not None
        for watcher, query_id in list(entry.watchers):
            if entry.key is None or (has_read_identity and watcher.identity != entry.call.identity):
                # The run before was of this identity and this one is for all, so another entry
                # has it already; or the run before was for all, and now each needs its own.
                self._watch(watcher, watcher.queries[query_id][0], snapshot)
            elif outcome is not before:
                self._note(watcher, query_id, outcome)

    def _change(self, watcher: Watcher, change: QuerySetChange, snapshot: Snapshot) -> None:
        if watcher.is_closed:
            return
        self._changed.setdefault(watcher, {})
        watcher.query_set_version = change.query_set_version
        watcher.identity_version = change.identity_version
        for query_id in watcher.queries.keys() & change.removed:
            _, entry = watcher.queries.pop(query_id)
            self._cache.unwatch(entry, watcher, query_id)
            watcher.sent.pop(query_id, None)
            self._changed[watcher][query_id] = None
        if change.identity != watcher.identity:
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
        )
        entry = self._entry(call, snapshot)
        self._cache.watch(entry, watcher, watch.query_id)
        watcher.queries[watch.query_id] = (watch, entry)
        assert entry.outcome is not None
        self._note(watcher, watch.query_id, entry.outcome)

    def _note(self, watcher: Watcher, query_id: int, outcome: Outcome) -> None:
        """Remember a new outcome for the update, unless it is what the watcher has."""
        if watcher.sent.get(query_id) != outcome:
            self._changed.setdefault(watcher, {})[query_id] = outcome
        elif watcher in self._changed:
            self._changed[watcher].pop(query_id, None)

    def _entry(self, call: Call, snapshot: Snapshot) -> CacheEntry:
        """Return the entry of a query, run now if there is no valid one."""
        key = shared_key(call)
        entry = self._cache.find(key, call.identity)
        if entry is not None and self._is_stale(entry):
            self._invalidate(entry, snapshot)
            entry = self._cache.find(key, call.identity)
        if entry is None:
            entry = CacheEntry(call, key)
            self._run(entry, snapshot)
        return entry

    def _is_stale(self, entry: CacheEntry) -> bool:
        """Tell whether a result that depends on the time is too old for a new caller."""
        age_ms = (self._clock.now_ns() - entry.made_ns) / 1e6
        return entry.has_read_time and not 0 <= age_ms <= TIME_RESULT_AGE_MS_MAX

    def _run(self, entry: CacheEntry, snapshot: Snapshot) -> bool:
        """Run an entry's query and cache it. Return whether it read the identity."""
        seed = self._random.getrandbits(64)
        entry.made_ns = self._clock.now_ns()
        transaction = Transaction(snapshot, entry.made_ns, seed)
        runner = self._code.runner_at(snapshot.ts)
        run = runner.run(entry.call, FunctionKind.QUERY, transaction, seed)
        entry.outcome = run.outcome
        entry.reads = transaction.reads
        entry.has_read_time = run.has_read_time
        self._cache.put(entry, has_read_identity=run.has_read_identity)
        return run.has_read_identity

    def _run_past(self, request: _PastQuery) -> Outcome | LivefileError:
        seed = self._random.getrandbits(64)
        try:
            with self._database.past(request.ts, seed) as transaction:
                runner = self._code.runner_at(self._database.published_ts)  # Never older code.
                run = runner.run(request.call, FunctionKind.QUERY, transaction, seed)
        except LogTrimmedError as error:
            return error
        return run.outcome

    def _deliver(self, ts: int) -> None:
        """Hand every watcher that changed, or must move, its update."""
        for required in self._required:
            if required.ts <= ts:
                self._changed.setdefault(required.watcher, {})
        self._required = [r for r in self._required if r.ts > ts and not r.watcher.is_closed]
        changed, self._changed = self._changed, {}
        for watcher, outcomes in changed.items():
            if watcher.is_closed:
                continue
            watcher.sent.update(
                (query_id, outcome) for query_id, outcome in outcomes.items() if outcome is not None
            )
            update = Update(
                ts=ts,
                query_set_version=watcher.query_set_version,
                identity_version=watcher.identity_version,
                outcomes=outcomes,
            )
            call_back(watcher.deliver, update)
