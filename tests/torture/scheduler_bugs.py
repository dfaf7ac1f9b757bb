"""Bugs planted into the scheduler, each of which the simulation of it must find.

Not here: the list of all planted bugs (``planted.py``); the simulation
(``scheduler_simulation.py``).
"""

from types import SimpleNamespace
from typing import Any

import pytest

from livefile import Success
from livefile.functions import runner
from livefile.system import cron_jobs, scheduled_job
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.workers.job_runner import JobRunner
from tests.torture.scheduler_simulation import SchedulerSimulation


def mark_done_in_a_second_commit(patch: pytest.MonkeyPatch) -> None:
    """B8: what a mutation did is committed first, and that it is done thereafter."""
    right = JobRunner._mutation_answered

    def begin(transaction: Transaction, id: str, request_id: str) -> bool:
        job = transaction.get(id)
        return job is not None and job["state"] == {"kind": "pending"}

    def end(transaction: Transaction, id: str, error: str | None) -> None:
        pass

    def mutation_answered(worker: JobRunner, run: Any, answer: Any) -> None:
        if isinstance(answer, Success):
            worker._end(run, None)
        else:
            right(worker, run, answer)

    patch.setattr(runner, "scheduled_job", SimpleNamespace(begin=begin, end=end))
    patch.setattr(JobRunner, "_mutation_answered", mutation_answered)


def wait_by_the_clock_on_the_wall(patch: pytest.MonkeyPatch) -> None:
    """B15: the next beat of a cron job is the next one of a clock that may have gone back."""
    right = SchedulerSimulation._open

    def open_file(simulation: SchedulerSimulation) -> Any:
        def end(transaction: Transaction, found: Document) -> None:
            due_ms = simulation.clock.now_ns() / 1e6 + 1_000
            changes: Document = {"scheduledTime": due_ms, "state": {"kind": "pending"}}
            transaction.patch(str(found["_id"]), changes)

        patch.setattr(cron_jobs, "end", end)
        return right(simulation)

    patch.setattr(SchedulerSimulation, "_open", open_file)


def run_what_was_cancelled(patch: pytest.MonkeyPatch) -> None:
    """What was cancelled since somebody looked runs all the same."""
    right = scheduled_job.begin

    def begin(transaction: Transaction, id: str, request_id: str) -> bool:
        job = transaction.get(id)
        is_cancelled = job is not None and job["state"] == {"kind": "canceled"}
        return is_cancelled or right(transaction, id, request_id)

    patch.setattr(scheduled_job, "begin", begin)
