"""Scheduled jobs: what scheduled functions and cron jobs have in common.

Both are documents that say which function to call when. A mutation changes its job's document in
its own transaction, so it is done exactly once, whatever dies when. Of an action is recorded that
it begins before it does, so it is done at most once.

Not here: what is peculiar to each (``system/scheduled_functions.py``, ``system/cron_jobs.py``).
"""

from typing import cast

from livefile.model.document_id import decode_document_id
from livefile.model.index_key import encode_value, successor
from livefile.model.interval import Interval
from livefile.system import cron_jobs, scheduled_functions
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.limits import JOB_ERROR_LENGTH_MAX

BY_DUE = "by_due"
"""The index of both tables in which jobs are found: by state, then by when they are due."""


def _in_state(kind: str) -> Interval:
    prefix = encode_value(kind)
    return Interval(prefix, successor(prefix))


PENDING = _in_state("pending")
IN_PROGRESS = _in_state("inProgress")


def begin(transaction: Transaction, id: str, request_id: str) -> bool:
    """Record that a job begins; return False, and write nothing, if it is not to run now.

    It may have been cancelled or given another time since somebody looked.
    """
    job = transaction.get(id)
    if job is None or job["state"] != {"kind": "pending"}:
        return False
    if due_ms(job) > transaction.now_ns / 1e6:
        return False
    state: Document = {"kind": "inProgress", "requestId": request_id, "executionId": request_id}
    transaction.patch(id, {"state": state})
    return True


def end(transaction: Transaction, id: str, error: str | None) -> None:
    """Record that a job has run, and the text of its error if it failed."""
    job = transaction.get(id)
    if job is None:
        return  # A deploy or an import took it away.
    table_number, _ = decode_document_id(id)
    if transaction.catalog.table_name(table_number) == cron_jobs.TABLE:
        cron_jobs.end(transaction, job)
    else:
        cut = None if error is None else error[:JOB_ERROR_LENGTH_MAX]
        scheduled_functions.end(transaction, job, cut)


def due_ms(job: Document) -> float:
    """Return when a job is due: milliseconds since 1970."""
    return cast(float, job["scheduledTime"])
