"""Mutations in the slow lane: run there on a snapshot, committed at the head.

One that meets a conflict runs again; after some conflicts it runs at the head, where there are
none and all others wait for it. The mutations of a client's session keep their order: those after
a slow one wait for it.

Not here: the lane itself (``functions/slow_lane.py``); the order of all others (``mutations.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from livefile.functions.call import Call, Failure, Outcome
from livefile.functions.callback import call_back
from livefile.functions.failure import failure_of
from livefile.functions.lane import Lane
from livefile.functions.mutation_attempt import Attempts, answer_before, commit, commit_once
from livefile.functions.watchdog import TimedOut
from livefile.transaction.committer import Committer
from livefile.vocabulary.errors import (
    ConflictError,
    HeadRequiredError,
    LivefileError,
    LogTrimmedError,
    OverloadedError,
)
from livefile.vocabulary.limits import CONFLICT_RETRIES_MAX, SLOW_FUNCTIONS_WAITING_MAX

Answer = Outcome | LivefileError

SubmitJob = Callable[[Callable[[Committer], Any], Callable[[Any], None]], None]
"""Runs something in a commit group; the second function hears its result once it is durable."""


# Not frozen, because making one would take twice the time, and every mutation makes one.
@dataclass(slots=True, eq=False)
class MutationJob:
    """A mutation to run. ``done`` hears the answer once it is durable.

    ``retries`` are the attempts so far that were undone by conflicts.
    """

    call: Call
    done: Callable[[Answer], None]
    retries: int = 0


class SlowMutations:
    """What runs in the lane, and what waits for it. Engine's thread, except for ``_run``."""

    def __init__(
        self,
        lane: Lane,
        attempts: Attempts,
        submit_job: SubmitJob,
        submit_first: Callable[[list[MutationJob]], None],
    ) -> None:
        """Take the lane, the attempts, and the two ways back into the queue of the head."""
        self._lane = lane
        self._attempts = attempts
        self._submit_job = submit_job
        self._submit_first = submit_first
        self._running: dict[MutationJob, None] = {}
        # What waits for a slow mutation of the same session, by session.
        self._held: dict[str, list[MutationJob]] = {}

    def __bool__(self) -> bool:
        """Return whether anything is running."""
        return bool(self._running)

    def hold(self, job: MutationJob) -> bool:
        """Keep a mutation back if an earlier one of its session runs here; tell whether so."""
        key = job.call.request_key
        held = None if key is None else self._held.get(key.session_id)
        if held is None:
            return False
        held.append(job)
        return True

    def start(self, job: MutationJob) -> None:
        """Run a mutation in the lane.

        Raises:
            OverloadedError: too many wait for it already.
        """
        if len(self._running) >= SLOW_FUNCTIONS_WAITING_MAX:
            raise OverloadedError(
                "TooManyConcurrentMutations",
                f"{SLOW_FUNCTIONS_WAITING_MAX} slow mutations are waiting already; try later",
            )
        self._running[job] = None
        if job.call.request_key is not None:
            self._held[job.call.request_key.session_id] = []
        self._lane.start(partial(self._run, job))

    def abandon(self, error: LivefileError) -> None:
        """Answer everything here with ``error``."""
        held = [job for jobs in self._held.values() for job in jobs]
        self._held.clear()
        for job in [*self._running, *held]:
            call_back(job.done, error)
        self._running.clear()

    def _run(self, job: MutationJob) -> None:
        """Run a mutation on a snapshot and hand it to the head. On a thread of the lane."""
        finish = partial(self._finish, job)
        try:
            attempt = self._attempts.on_snapshot(job.call, self._lane.run)
        except HeadRequiredError:
            self._submit_job(partial(self._run_at_head, job), finish)
        except TimedOut:
            self._submit_job(lambda committer: timed_out(job.call), finish)
        except LivefileError as error:  # An expired snapshot is a conflict.
            self._submit_job(partial(_fail, error), partial(self._committed, job))
        else:
            attempt.retries = job.retries
            self._submit_job(partial(commit_once, attempt=attempt), partial(self._committed, job))

    def _committed(self, job: MutationJob, answer: Answer) -> None:
        if not isinstance(answer, ConflictError | LogTrimmedError):
            self._finish(job, answer)
            return
        job.retries += 1
        if job.retries <= CONFLICT_RETRIES_MAX:
            self._lane.start(partial(self._run, job))
        else:
            self._submit_job(partial(self._run_at_head, job), partial(self._finish, job))

    def _run_at_head(self, job: MutationJob, committer: Committer) -> Outcome:
        if answered := answer_before(committer, job.call):
            return answered
        try:
            attempt = self._attempts.at_head(job.call, self._lane.run_at_head_at_last)
        except TimedOut:
            return timed_out(job.call)
        attempt.retries = job.retries
        return commit(committer, attempt)

    def _finish(self, job: MutationJob, answer: Answer) -> None:
        if job not in self._running:
            return  # It was abandoned.
        del self._running[job]
        call_back(job.done, answer)
        if job.call.request_key is not None:
            # Before everything that waits: others of the session may have come meanwhile.
            self._submit_first(self._held.pop(job.call.request_key.session_id))


def _fail(error: LivefileError, committer: Committer) -> None:
    """Raise in the group: the engine stops if the file could not be read."""
    raise error


def timed_out(call: Call) -> Failure:
    """Return the failure of a call that was stopped at its time limit."""
    return failure_of(TimedOut(), call.request_id, (), Path(), 0)
