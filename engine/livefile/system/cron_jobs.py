"""Cron jobs: the documents of ``_cron_jobs``, one for each job that the app's code declares.

A document has the job's ``identifier``, the function and its arguments, the schedule, when it is
due next, and whether it is ``pending`` or, for an action that runs, ``inProgress``. It changes in
the same transaction as what the job does, like a scheduled function, so a tick is run once.

Not here: the calendar (``system/cron_schedule.py``); running what is due (``workers/``).
"""

from collections.abc import Mapping, Sequence
from typing import cast

from livefile.model.index_range import BY_CREATION_TIME
from livefile.model.interval import EVERYTHING
from livefile.system.cron_schedule import first_ms, next_ms
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document

TABLE = "_cron_jobs"


def install(transaction: Transaction, declared: Sequence[Document]) -> None:
    """Bring the stored jobs to those that the code declares.

    ``declared`` are documents of ``identifier``, ``name``, ``args`` and ``schedule``. A job that
    stays as it was keeps its next time; one with another schedule is as if it were new.
    """
    stored = {cast(str, job["identifier"]): job for job in read_cron_jobs(transaction)}
    now_ms = transaction.now_ns / 1e6
    for job in declared:
        before = stored.pop(cast(str, job["identifier"]), None)
        if before is None:
            transaction.insert(TABLE, {**job, **_pending(first_ms(_schedule(job), now_ms))})
            continue
        changes = {name: item for name, item in job.items() if before[name] != item}
        if "schedule" in changes:
            changes["scheduledTime"] = first_ms(_schedule(job), now_ms)
        if changes:
            transaction.patch(cast(str, before["_id"]), changes)
    for job in stored.values():
        transaction.delete(cast(str, job["_id"]))


def read_cron_jobs(transaction: Transaction) -> list[Document]:
    """Return all jobs, oldest first."""
    table = transaction.catalog.tables[TABLE]
    return list(transaction.scan(table, table.indexes[BY_CREATION_TIME], EVERYTHING))


def end(transaction: Transaction, found: Document) -> None:
    """Record that a job has run, well or not: it waits for its next time."""
    now_ms = transaction.now_ns / 1e6
    due_ms = cast(float, found["scheduledTime"])
    if due_ms <= now_ms:  # Else a deploy has given it another time meanwhile.
        due_ms = next_ms(_schedule(found), due_ms, now_ms)
    transaction.patch(cast(str, found["_id"]), _pending(due_ms))


def is_late(job: Document, now_ms: float) -> bool:
    """Return whether a job that is due has missed its next time as well."""
    due_ms = cast(float, job["scheduledTime"])
    return next_ms(_schedule(job), due_ms, due_ms) <= now_ms


def _pending(due_ms: float) -> Document:
    return {"scheduledTime": due_ms, "state": {"kind": "pending"}}


def _schedule(job: Mapping[str, object]) -> Document:
    return cast(Document, job["schedule"])
