"""What is known of one finished call: for logs, metrics and whoever observes a deployment.

It holds no arguments and no result, so that what a user sent is not kept by those who only watch.
The text of an error may quote some of it.

Not here: the log lines while they are written (``call_log.py``); who hears of it (``runner.py``).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from livefile.functions.call import Call, Failure, FunctionKind, Outcome, Success
from livefile.functions.running import RunningCall
from livefile.model.identity import IdentityKind
from livefile.transaction.transaction import Transaction


# Not frozen, because making one would take twice the time, and every call makes one.
@dataclass(slots=True)
class CallRecord:
    """One finished call, of a client or of the engine, with all that it called in turn.

    ``started_ns`` is the moment that the function saw. A query that ``is_cached`` did not run: it
    has the outcome of an earlier run, and neither its figures nor its log lines. ``retries`` are
    the attempts of a mutation before this one, each undone by a conflict. ``error`` is the whole
    text, also where clients get less. The first ``lines_told`` of the lines were in a
    ``CallProgress`` before. ``http_status`` is that of an HTTP action's response, None of every
    other call.
    """

    path: str
    kind: FunctionKind
    request_id: str
    duration_ms: float
    log_lines: tuple[str, ...] = ()
    error: str | None = None
    is_cached: bool = False
    started_ns: int = 0
    identity_kind: IdentityKind = IdentityKind.NOBODY
    documents_read: int = 0
    bytes_read: int = 0
    documents_written: int = 0
    bytes_written: int = 0
    result_bytes: int = 0
    retries: int = 0
    lines_told: int = 0
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class CallProgress:
    """Lines that an action has logged by now; its record will have them again. It still runs."""

    path: str
    request_id: str
    now_ns: int
    log_lines: Sequence[str]


def record_of(
    call: Call,
    kind: FunctionKind,
    outcome: Outcome,
    running: RunningCall,
    started: float,
    transaction: Transaction | None = None,
) -> CallRecord:
    """Return the record of a call that ends now; ``started`` is of ``time.perf_counter``."""
    record = CallRecord(
        path=call.path,
        kind=kind,
        request_id=call.request_id,
        duration_ms=(time.perf_counter() - started) * 1000,
        log_lines=outcome.log_lines,
        started_ns=running.now_ns,
        identity_kind=call.identity.kind,
        lines_told=running.log.told_count,
    )
    if isinstance(outcome, Failure):
        record.error = outcome.message
    else:
        record.result_bytes = len(outcome.json)
    if transaction is not None:
        record.documents_read = transaction.documents_read
        record.bytes_read = transaction.bytes_read
        record.documents_written = transaction.documents_written
        record.bytes_written = transaction.bytes_written
    return record


def cached_record(call: Call, outcome: Outcome, now_ns: int) -> CallRecord:
    """Return the record of a query that was answered with the outcome of an earlier run."""
    return CallRecord(
        path=call.path,
        kind=FunctionKind.QUERY,
        request_id=call.request_id,
        duration_ms=0.0,
        error=outcome.message if isinstance(outcome, Failure) else None,
        is_cached=True,
        started_ns=now_ns,
        identity_kind=call.identity.kind,
        result_bytes=len(outcome.json) if isinstance(outcome, Success) else 0,
    )
