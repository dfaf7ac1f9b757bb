"""Running scheduled jobs when they are due: those of one table, a few at a time.

The table is looked at when a job is due, when one has ended, and after commits that changed what
the last look saw. Everything that is known is in the table; what is remembered here is only what
runs right now.

Not here: what the documents mean (``system/scheduled_job.py``).
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, cast

from livefile.functions.app import App
from livefile.functions.call import Call, Failure, FunctionKind, Outcome, Success
from livefile.functions.path import parse_function_path
from livefile.functions.system_transactions import SystemTransactions
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.value import Value
from livefile.model.value_packed import unpack
from livefile.system import scheduled_job
from livefile.transaction.database import Database
from livefile.transaction.snapshot import Snapshot
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import (
    ClosedError,
    LivefileError,
    LogTrimmedError,
    StorageFailedError,
)
from livefile.vocabulary.limits import (
    JOB_RETRY_MS_MAX,
    JOB_RETRY_MS_MIN,
    JOBS_RECOVERED_MAX,
    JOBS_RUNNING_MAX,
)

_log = logging.getLogger("livefile")

Answer = Outcome | LivefileError
Submit = Callable[[Call, FunctionKind, Callable[[Answer], None]], None]

_LOST = "Transient error while executing action"
"""The protocol's text for an action that ran when the process died."""


@dataclass(slots=True, eq=False)
class _Run:
    """A job that is being run. ``errors_count`` counts those that were not the function's."""

    id: str
    call: Call
    errors_count: int = 0


class JobRunner:
    """A worker for the jobs of one table. What is not said to be otherwise: engine's thread."""

    def __init__(
        self,
        table: str,
        database: Database,
        app: Callable[[], App],
        submit: Submit,
        system: SystemTransactions,
        wake: Callable[[], None],
        random: Random,
        starts: Callable[[Document, float], None] = lambda job, now_ms: None,
    ) -> None:
        """Take the table, how to run what is in it, and who hears that a job is started."""
        self._table = table
        self._database = database
        self._app = app
        self._submit = submit
        self._system = system
        self._wake = wake
        self._random = random
        self._starts = starts
        self._now_ns = 0
        self._running: dict[str, _Run] = {}
        self._retries: list[tuple[int, Callable[[], None]]] = []
        self._ended_actions: deque[tuple[_Run, str | None]] = deque()
        self._has_recovered = False
        # What the last look saw: up to which timestamp, what it read, and what comes next.
        self._is_look_due = True
        self._seen_ts = 0
        self._seen_index_id = 0
        self._seen = EVERYTHING
        self._next_due_ms: float | None = None

    def step(self, now_ns: int) -> int | None:
        """Go on with what runs, and start what is due."""
        # As transactions see the time: it does not go back with the clock.
        self._now_ns = now_ns = max(now_ns, self._database.committer.now_ns)
        while self._ended_actions:
            self._end(*self._ended_actions.popleft())
        waiting, self._retries = self._retries, []
        for due_ns, retry in waiting:
            if due_ns <= now_ns:
                retry()
            else:
                self._retries.append((due_ns, retry))
        is_due = self._next_due_ms is not None and self._next_due_ms <= now_ns / 1e6
        if self._is_look_due or is_due or self._has_changed():
            self._look()
        dues = [due_ns for due_ns, _ in self._retries]
        if self._next_due_ms is not None:
            # A microsecond later, because the number of milliseconds is rounded.
            dues.append(int(self._next_due_ms * 1e6) + 1_000)
        return min(dues, default=None)

    # --- Looking for jobs -------------------------------------------------------------------

    def _has_changed(self) -> bool:
        """Return whether a commit since the last look changed what it saw."""
        published_ts = self._database.published_ts
        if published_ts <= self._seen_ts:
            return False
        try:
            commits = self._database.write_log.between(self._seen_ts, published_ts)
        except LogTrimmedError:
            return True
        self._seen_ts = published_ts
        index_id, seen = self._seen_index_id, self._seen
        return any(key in seen for writes in commits for key in writes.get(index_id, ()))

    def _look(self) -> None:
        self._is_look_due = True
        with self._database.newest_snapshot() as snapshot:
            if snapshot is None:
                return  # A commit is being published; the step that does it looks again.
            self._is_look_due, self._seen_ts = False, snapshot.ts
            if not self._has_recovered:
                lost = self._read(snapshot, scheduled_job.IN_PROGRESS, JOBS_RECOVERED_MAX)
                jobs: list[Document] = []
            else:
                lost = []
                count = JOBS_RUNNING_MAX + len(self._running) + 1
                jobs = self._read(snapshot, scheduled_job.PENDING, count)
        self._next_due_ms = None
        if not self._has_recovered:
            self._recover(lost)
        else:
            self._start_due(jobs)

    def _read(self, snapshot: Snapshot, interval: Interval, count: int) -> list[Document]:
        """Return the first jobs of a range, and note what was read. No limit of calls holds."""
        table = snapshot.catalog.tables[self._table]
        index = table.indexes[scheduled_job.BY_DUE]
        rows = snapshot.scan(table, index, interval, count, is_descending=False)
        if len(rows) == count:  # What comes after the last one matters only once that has gone.
            interval = Interval(interval.start, rows[-1][0] + b"\x00")
        self._seen_index_id, self._seen = index.id, interval
        return [cast(Document, unpack(packed)) for _, packed in rows]

    def _recover(self, lost: list[Document]) -> None:
        """End the actions that ran when the process before died: nobody knows how far they came."""
        for job in lost:
            run = _Run(cast(str, job["_id"]), self._call_of(job))
            if run.id not in self._running:
                self._running[run.id] = run
                _log.warning("%s ran when the process ended: %s", run.call.path, _LOST)
                self._end(run, _LOST)
        if not lost:
            self._has_recovered = self._is_look_due = True
            self._wake()

    def _start_due(self, jobs: list[Document]) -> None:
        now_ms = self._now_ns / 1e6
        for job in jobs:
            if job["_id"] in self._running:
                continue
            due_ms = scheduled_job.due_ms(job)
            if due_ms > now_ms:
                self._next_due_ms = due_ms
                return
            if len(self._running) >= JOBS_RUNNING_MAX:
                return  # One that ends has the table looked at.
            self._starts(job, now_ms)
            self._start(job)

    # --- Running a job ----------------------------------------------------------------------

    def _call_of(self, job: Document) -> Call:
        (args,) = cast(list[dict[str, Value]], job["args"])
        return Call(
            path=parse_function_path(cast(str, job["name"])),
            args=args,
            request_id=f"{self._random.getrandbits(64):016x}",
            is_internal=True,
            parent_job=cast(str, job["_id"]),
        )

    def _start(self, job: Document) -> None:
        call = self._call_of(job)
        run = self._running[cast(str, call.parent_job)] = _Run(cast(str, call.parent_job), call)
        function = self._app().functions.get(call.path)
        if function is not None and function.kind is FunctionKind.ACTION:
            self._try(run, self._begin_action)
        else:
            # One that is gone or has become a query fails as a mutation, with the right text.
            call.job = run.id
            self._try(run, self._run_mutation)

    def _run_mutation(self, run: _Run) -> None:
        self._submit(run.call, FunctionKind.MUTATION, partial(self._mutation_answered, run))

    def _mutation_answered(self, run: _Run, answer: Answer) -> None:
        if isinstance(answer, Success):
            self._release(run)  # Its transaction has completed the job, or it was not to run.
        elif isinstance(answer, Failure):
            self._end(run, _error_of(answer))
        else:
            self._again(run, self._run_mutation, answer)

    def _begin_action(self, run: _Run) -> None:
        begin = partial(scheduled_job.begin, id=run.id, request_id=run.call.request_id)
        self._system.submit("begin_job", begin, partial(self._action_begun, run))

    def _action_begun(self, run: _Run, answer: bool | LivefileError) -> None:
        if isinstance(answer, LivefileError):
            self._again(run, self._begin_action, answer)
        elif answer:
            self._try(run, self._run_action)
        else:
            self._release(run)

    def _run_action(self, run: _Run) -> None:
        self._submit(run.call, FunctionKind.ACTION, partial(self._action_answered, run))

    def _action_answered(self, run: _Run, answer: Answer) -> None:
        """Hear of an action; on its thread."""
        if isinstance(answer, ClosedError):
            return  # The next start ends it.
        is_success = isinstance(answer, Success)
        error = None if is_success else _error_of(answer)
        self._ended_actions.append((run, error))
        self._wake()

    def _end(self, run: _Run, error: str | None) -> None:
        self._try(run, partial(self._write_end, error))

    def _write_end(self, error: str | None, run: _Run) -> None:
        end = partial(scheduled_job.end, id=run.id, error=error)
        self._system.submit("end_job", end, partial(self._ended, run, error))

    def _ended(self, run: _Run, error: str | None, answer: LivefileError | None) -> None:
        if isinstance(answer, LivefileError):
            self._again(run, partial(self._write_end, error), answer)
        else:
            self._release(run)

    def _release(self, run: _Run) -> None:
        del self._running[run.id]
        self._is_look_due = True

    # --- Errors that are not the function's -------------------------------------------------

    def _try(self, run: _Run, part: Callable[[_Run], None]) -> None:
        try:
            part(run)
        except LivefileError as error:
            self._again(run, part, error)

    def _again(self, run: _Run, part: Callable[[_Run], None], error: LivefileError) -> None:
        """Do a part of a run again after a while, twice as long each time."""
        if isinstance(error, ClosedError | StorageFailedError):
            return  # The next start goes on.
        delay_ms = min(JOB_RETRY_MS_MIN << min(run.errors_count, 32), JOB_RETRY_MS_MAX)
        run.errors_count += 1
        _log.warning("%s is tried again in %d ms: %s", run.call.path, delay_ms, error)
        retry = partial(self._try, run, part)
        self._retries.append((self._now_ns + delay_ms * 1_000_000, retry))
        self._wake()


def _error_of(answer: Any) -> str:
    """Return the text of an error as the job keeps it: without the request's number."""
    if isinstance(answer, Failure):
        return answer.message.partition("\n")[2]
    return str(answer)
