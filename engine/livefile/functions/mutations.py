"""Mutations in order: from the queue through the committer to their durable answers.

One thread, the writer's, takes what waits, runs it at the head inside one commit group, makes the
group durable, answers, and only then publishes. A mutation that ran elsewhere, on a snapshot,
comes here only to be validated and committed.

Not here: running a function (``functions/runner.py``); committing (``transaction/committer.py``).
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from livefile.functions.call import Call, FunctionKind, Outcome, Success
from livefile.functions.callback import call_back
from livefile.functions.code_history import CodeHistory
from livefile.functions.runner import Run
from livefile.functions.work_queue import WorkQueue
from livefile.transaction.committer import Committer, RequestAnswer
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import (
    ConflictError,
    DiskFullError,
    HeadRequiredError,
    LivefileError,
    LogTrimmedError,
    StorageFailedError,
)
from livefile.vocabulary.limits import (
    CONFLICT_RETRIES_MAX,
    GROUP_MUTATIONS_MAX,
    MUTATIONS_ON_SNAPSHOTS_MAX,
    MUTATIONS_QUEUED_MAX,
)

WaitFor = Callable[[Callable[[Callable[[Any], None]], None]], Any]


@dataclass(frozen=True, slots=True)
class WriterJob:
    """Work for the writer's thread. ``done`` hears the result once the group is durable."""

    run: Callable[[Committer], Any]  # Any: ``done`` knows what its own ``run`` returns.
    done: Callable[[Any], None]


class Mutations:
    """The queue of everything that writes. ``run_group`` runs on the writer's thread only."""

    def __init__(self, database: Database, code: CodeHistory, clock: Clock, random: Random) -> None:
        """Take the database, the app's code, the clock, and the source of seeds."""
        self._database = database
        self._code = code
        self._clock = clock
        self._random = random
        self._queue: WorkQueue[WriterJob] = WorkQueue(
            MUTATIONS_QUEUED_MAX, "TooManyConcurrentMutations"
        )
        # Some readers are left for queries, which all run on one thread.
        self._snapshots = threading.BoundedSemaphore(MUTATIONS_ON_SNAPSHOTS_MAX)
        self.published: Callable[[], None] = lambda: None
        """Called after each group on the writer's thread: snapshots can see it now."""

    def submit(self, call: Call, done: Callable[[Outcome | LivefileError], None]) -> None:
        """Run a mutation at the head; ``done`` hears the outcome once it is durable.

        Raises:
            OverloadedError: too many mutations are waiting.
        """
        self._queue.put(WriterJob(run=lambda committer: self._run(committer, call), done=done))

    def submit_job(self, run: Callable[[Committer], Any], done: Callable[[Any], None]) -> None:
        """Run something else on the writer's thread, as part of a group."""
        self._queue.put(WriterJob(run=run, done=done))

    def run_on_snapshot(self, call: Call, wait_for: WaitFor) -> Outcome | LivefileError:
        """Run a mutation in this thread on a snapshot, and commit it if nothing came in between.

        After some conflicts it runs at the head, where there are none. ``wait_for`` submits
        something and blocks until its ``done`` is called; it returns what ``done`` heard.
        """
        for _ in range(CONFLICT_RETRIES_MAX):
            seed = self._random.getrandbits(64)
            with self._snapshots, self._database.snapshot() as snapshot:
                transaction = Transaction(snapshot, self._clock.now_ns(), seed)
                try:
                    runner = self._code.runner_at(snapshot.ts)
                    run = runner.run(call, FunctionKind.MUTATION, transaction, seed)
                except HeadRequiredError:
                    break
            commit = partial(_commit_once, call=call, transaction=transaction, run=run)
            result: Outcome | LivefileError = wait_for(partial(self.submit_job, commit))
            if not isinstance(result, ConflictError | LogTrimmedError):
                return result
        outcome: Outcome | LivefileError = wait_for(partial(self.submit, call))
        return outcome

    def run_group(self, *, is_waiting: bool = True) -> bool:
        """Run what waits as one group: run, make durable, answer, publish.

        Returns:
            False once the queue is closed and empty.

        Raises:
            StorageFailedError: an I/O error; the jobs were told that the outcome is unknown.
        """
        jobs = self._queue.take(GROUP_MUTATIONS_MAX, is_waiting=is_waiting)
        if not jobs:
            return not self._queue.is_closed
        committer = self._database.committer
        answers: list[Any] = []
        failure: StorageFailedError | None = None
        try:
            for job in jobs:
                answers.append(_result_of(job, committer))
            committer.flush()
        except (DiskFullError, StorageFailedError) as error:
            committer.roll_back()
            answers = [error] * len(jobs)
            failure = error if isinstance(error, StorageFailedError) else None
        for job, answer in zip(jobs, answers, strict=True):
            call_back(job.done, answer)
        if failure is not None:
            raise failure  # Nothing may be committed any more: the thread ends.
        self._database.publish()
        self.published()
        return True

    def close(self) -> None:
        """Take no more; what waits is still run by ``run_group``."""
        self._queue.close()

    def abandon(self, error: LivefileError) -> None:
        """Answer everything that waits with ``error``; for when the thread has ended."""
        self.close()
        for job in self._queue.take(is_waiting=False):
            call_back(job.done, error)

    def _run(self, committer: Committer, call: Call) -> Outcome | LivefileError:
        if answered := _answer_before(committer, call):
            return answered
        seed = self._random.getrandbits(64)
        transaction = committer.begin(seed)
        runner = self._code.runner_at(transaction.snapshot.ts)
        run = runner.run(call, FunctionKind.MUTATION, transaction, seed)
        return _commit(committer, call, transaction, run)


def _answer_before(committer: Committer, call: Call) -> Success | None:
    """Return the answer to a client's request if it was committed before, None if not."""
    key = call.request_key
    if key is None:
        return None
    answer = committer.find_answer(key.session_id, key.request_number)
    if answer is None:
        return None
    return Success(json=answer.json, log_lines=tuple(answer.log_lines), ts=answer.ts)


def _commit_once(
    committer: Committer, call: Call, transaction: Transaction, run: Run
) -> Outcome | LivefileError:
    """Put an attempt from elsewhere into the open group, unless it was answered meanwhile."""
    return _answer_before(committer, call) or _commit(committer, call, transaction, run)


def _commit(
    committer: Committer, call: Call, transaction: Transaction, run: Run
) -> Outcome | LivefileError:
    """Put a finished attempt into the open group. A failure commits nothing."""
    if not isinstance(run.outcome, Success):
        return run.outcome
    answer = None
    if (key := call.request_key) is not None:
        answer = RequestAnswer(
            session_id=key.session_id,
            request_number=key.request_number,
            json=run.outcome.json,
            log_lines=run.outcome.log_lines,
        )
    ts = committer.commit(transaction, run.record, answer)
    return Success(json=run.outcome.json, log_lines=run.outcome.log_lines, ts=ts)


def _result_of(job: WriterJob, committer: Committer) -> Any:
    """Return what the job's ``done`` hears. What fails the whole group is raised."""
    try:
        return job.run(committer)
    except (DiskFullError, StorageFailedError):
        raise
    except LivefileError as error:
        return error
