"""Mutations in order: from the queue through the committer to their durable answers.

The engine's thread takes what waits, runs it at the head inside one commit group, has the group
made durable, answers, and only then publishes. A mutation that takes too long there is stopped
and goes to the slow lane.

Not here: one attempt (``functions/mutation_attempt.py``); the slow lane
(``functions/slow_mutations.py``); committing (``transaction/committer.py``).
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from livefile.functions.call import Call, Outcome
from livefile.functions.callback import call_back
from livefile.functions.lane import Lane, without_limit
from livefile.functions.mutation_attempt import (
    Attempts,
    answer_before,
    commit,
    commit_once,
)
from livefile.functions.slow_mutations import MutationJob, SlowMutations
from livefile.functions.watchdog import Preempted
from livefile.functions.work_queue import WorkQueue
from livefile.functions.write_hold import WriteHold
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.vocabulary.errors import (
    ConflictError,
    DiskFullError,
    HeadRequiredError,
    LivefileError,
    LogTrimmedError,
    SnapshotExpiredError,
    StorageFailedError,
)
from livefile.vocabulary.limits import (
    CONFLICT_RETRIES_MAX,
    GROUP_MUTATIONS_MAX,
    MUTATIONS_QUEUED_MAX,
)

WaitFor = Callable[[Callable[[Callable[[Any], None]], None]], Any]

_LATER = object()
"""Stands for an answer that the slow lane will give."""


@dataclass(frozen=True, slots=True)
class WriterJob:
    """Other work in a group. ``done`` hears the result once the group is durable."""

    run: Callable[[Committer], Any]  # Any: ``done`` knows what its own ``run`` returns.
    done: Callable[[Any], None]


@dataclass(slots=True)
class _Group:
    """A commit group: the answers that wait until it is durable."""

    answers: list[tuple[Callable[[Any], None], Any]]
    error: LivefileError | None = None
    is_durable: bool = False
    is_answered: bool = False
    committed: Future[None] = field(default_factory=Future)
    """Done when the commit's thread has left the committer."""


class Mutations:
    """The queue of everything that writes. What is not ``submit`` is for the engine's thread."""

    def __init__(
        self,
        database: Database,
        attempts: Attempts,
        wake: Callable[[], None],
        lane: Lane,
    ) -> None:
        """Take what runs mutations, how to ask for a step, and the slow lane."""
        self._database = database
        self._attempts = attempts
        self._wake = wake
        self._lane = lane
        self._queue: WorkQueue[MutationJob | WriterJob] = WorkQueue(
            MUTATIONS_QUEUED_MAX, "TooManyConcurrentMutations", wake
        )
        self._slow = SlowMutations(lane, attempts, self._submit_job_always, self._queue.put_first)
        self._group: _Group | None = None
        self.hold = WriteHold(wake)
        """Holds all writes back, so that the file stands still."""
        self.commit_executor: Executor | None = None
        """Where the wait for the disk is spent; None: on the engine's thread."""

    def submit(self, call: Call, done: Callable[[Outcome | LivefileError], None]) -> None:
        """Run a mutation; ``done`` hears the outcome once it is durable.

        Raises:
            OverloadedError: too many mutations are waiting.
        """
        self._queue.put(MutationJob(call=call, done=done))

    def submit_job(self, run: Callable[[Committer], Any], done: Callable[[Any], None]) -> None:
        """Run something else on the engine's thread, as part of a group."""
        self._queue.put(WriterJob(run=run, done=done))

    def run_on_snapshot(self, call: Call, wait_for: WaitFor) -> Outcome | LivefileError:
        """Run a mutation in this thread on a snapshot, and commit it if nothing came in between.

        After some conflicts it runs at the head, where there are none. ``wait_for`` submits
        something and blocks until its ``done`` is called; it returns what ``done`` heard.
        """
        for retries in range(CONFLICT_RETRIES_MAX):
            try:
                attempt = self._attempts.on_snapshot(call, without_limit)
                attempt.retries = retries
            except HeadRequiredError:
                break
            except SnapshotExpiredError:
                continue
            result: Outcome | LivefileError = wait_for(
                partial(self.submit_job, partial(commit_once, attempt=attempt))
            )
            if not isinstance(result, ConflictError | LogTrimmedError):
                return result
        outcome: Outcome | LivefileError = wait_for(partial(self.submit, call))
        return outcome

    def run_group(self) -> None:
        """Answer the group that has become durable, then run what waits as the next one.

        Raises:
            StorageFailedError: an I/O error; the jobs were told that the outcome is unknown.
        """
        if self._group is not None and not self._has_finished(self._group):
            return
        if self.hold.stops_here():
            return
        waiting = deque(self._queue.take(GROUP_MUTATIONS_MAX))
        if not waiting:
            return
        committer = self._database.committer
        group = _Group(answers=[])
        try:
            while waiting:
                answer = self._answer(waiting[0], committer)
                job = waiting.popleft()
                if answer is not _LATER:
                    group.answers.append((job.done, answer))
            is_open = committer.seal()
        except (DiskFullError, StorageFailedError) as error:
            group.error = error
            group.answers += [(job.done, error) for job in waiting]
            self._finish(group)
            return
        if is_open and self.commit_executor is not None and committer.has_commits:
            self._group = group
            group.committed = self.commit_executor.submit(self._commit, group)
            group.committed.add_done_callback(lambda _: self._wake())
            return
        if is_open:
            self._commit(group)
        self._finish(group)
        if self._queue:
            self._wake()

    def settle(self) -> None:
        """Wait for the disk, if a group is on its way there, and answer it."""
        if self._group is not None:
            self._group.committed.exception()
            self._has_finished(self._group)

    @property
    def waiting_count(self) -> int:
        """How many mutations and jobs wait for a group."""
        return len(self._queue)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was accepted is answered."""
        return not (self._queue or self._group is not None or self._slow)

    def close(self) -> None:
        """Take no more; what waits is still run by ``run_group``."""
        self.hold.release()
        self._queue.close()

    def abandon(self, error: LivefileError) -> None:
        """Answer everything that waits with ``error``, because the engine cannot go on."""
        self.close()
        for job in self._queue.take():
            call_back(job.done, error)
        self._slow.abandon(error)

    def _submit_job_always(
        self, run: Callable[[Committer], Any], done: Callable[[Any], None]
    ) -> None:
        self._queue.put_always(WriterJob(run=run, done=done))

    def _answer(self, job: MutationJob | WriterJob, committer: Committer) -> Any:
        """Return what the job's ``done`` will hear. What fails the whole group is raised."""
        try:
            if isinstance(job, WriterJob):
                return job.run(committer)
            return self._run(job, committer)
        except (DiskFullError, StorageFailedError):
            raise
        except LivefileError as error:
            return error

    def _run(self, job: MutationJob, committer: Committer) -> Any:
        lane, slow, call = self._lane, self._slow, job.call
        if slow.hold(job):
            return _LATER
        if answered := answer_before(committer, call):
            return answered
        if not lane.is_slow(call.path):
            try:
                return commit(committer, self._attempts.at_head(call, lane.run_at_head))
            except Preempted as stop:
                if stop.is_slow:
                    lane.note_slow(call.path)
        slow.start(job)
        return _LATER

    def _commit(self, group: _Group) -> None:
        """Make the sealed group durable; maybe on the executor's thread."""
        committer = self._database.committer
        try:
            committer.make_durable()
        except (DiskFullError, StorageFailedError) as error:
            group.error = error
            return
        group.is_durable = True
        if committer.is_checkpoint_due:
            self._wake()  # The answers need not wait for it.
            committer.checkpoint_if_due()

    def _has_finished(self, group: _Group) -> bool:
        """Answer a group as soon as it is durable. Return whether the committer is free again."""
        has_left = group.committed.done()
        if (group.is_durable or has_left) and not group.is_answered:
            self._finish(group)
        if has_left:
            self._group = None
            group.committed.result()  # A checkpoint may have failed.
        return has_left

    def _finish(self, group: _Group) -> None:
        """Answer a group that is durable, or whose commit failed, and publish it."""
        group.is_answered = True
        committer = self._database.committer
        if group.error is None:
            committer.conclude()
            for done, answer in group.answers:
                call_back(done, answer)
            self._database.publish()
            return
        self._group = None
        committer.roll_back()
        for done, _ in group.answers:
            call_back(done, group.error)
        if isinstance(group.error, StorageFailedError):
            raise group.error  # Nothing may be committed any more.
