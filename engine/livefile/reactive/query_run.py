"""One run of a query on a snapshot: its outcome and what it read.

Not here: which thread runs it when (``reactive/subscriptions.py``, ``reactive/slow_queries.py``).
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from livefile.functions.call import Call, Failure, FunctionKind, Outcome
from livefile.functions.call_record import cached_record
from livefile.functions.code_history import CodeHistory
from livefile.functions.failure import failure_of
from livefile.functions.lane import RunLimited
from livefile.functions.watchdog import TimedOut
from livefile.transaction.database import Database
from livefile.transaction.read_set import ReadSet
from livefile.transaction.snapshot import Snapshot
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import FunctionTimeoutError, HostError


# Not frozen, because making one would take twice the time, and every run makes one.
@dataclass(slots=True)
class QueryRun:
    """What a run gave. ``made_ns`` is the moment that the query saw."""

    outcome: Outcome
    reads: ReadSet
    has_read_identity: bool
    has_read_time: bool
    made_ns: int


class QueryRuns:
    """Runs queries. Safe for threads."""

    def __init__(self, code: CodeHistory, clock: Clock, random: Random) -> None:
        """Take the app's code, the clock, and the source of seeds."""
        self._code = code
        self._clock = clock
        self._random = random
        self.cache_hits_count = 0
        """Queries that need not run, because the cache has their outcome."""

    def run(self, call: Call, snapshot: Snapshot, run_limited: RunLimited) -> QueryRun:
        """Run a query; the limit's own exception comes through."""
        seed = self._random.getrandbits(64)
        now_ns = self._clock.now_ns()
        transaction = Transaction(snapshot, now_ns, seed)
        runner = self._code.runner_at(snapshot.ts)
        run = run_limited(runner.run, call, FunctionKind.QUERY, transaction, seed)
        return QueryRun(
            outcome=run.outcome,
            reads=transaction.reads,
            has_read_identity=run.has_read_identity,
            # Whether a query is in time depends on the machine's load as well.
            has_read_time=run.has_read_time or _is_by_chance(run.outcome),
            made_ns=now_ns,
        )

    def note_cached(self, call: Call, outcome: Outcome) -> None:
        """Count a query that need not run, and let observers hear of it. Engine's thread."""
        self.cache_hits_count += 1
        runner = self._code.runner_at(outcome.ts)
        if runner.is_observed:
            runner.tell(cached_record(call, outcome, self._clock.now_ns()))

    def run_past(self, call: Call, database: Database, ts: int, run_limited: RunLimited) -> Outcome:
        """Run a query as it would have run at ``ts``, with the code of today.

        Raises:
            LogTrimmedError: that state is not kept.
        """
        seed = self._random.getrandbits(64)
        with database.past(ts, seed) as transaction:
            runner = self._code.runner_at(database.published_ts)
            run = run_limited(runner.run, call, FunctionKind.QUERY, transaction, seed)
        return run.outcome


def _is_by_chance(outcome: Outcome) -> bool:
    """Return whether another run might come to something else for reasons of the machine."""
    by_chance = FunctionTimeoutError | HostError
    return isinstance(outcome, Failure) and isinstance(outcome.error, by_chance)


def timed_out_run(call: Call, ts: int) -> QueryRun:
    """Return the run of a query that was stopped outside of its own code."""
    outcome = failure_of(TimedOut(), call.request_id, (), Path(), ts)
    return QueryRun(
        outcome=outcome, reads=ReadSet(), has_read_identity=True, has_read_time=True, made_ns=0
    )
