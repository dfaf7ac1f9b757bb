"""What a transaction has used of its limits, and limits that one function sets another one.

``ctx.meta.getTransactionMetrics()`` tells the first; ``transactionLimits`` of a nested call are
absolute for that call and what it calls, and are looked at after each of their operations.

Not here: the limits of every transaction (``transaction/``, ``functions/``).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from livefile.functions.running import RunningCall
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import BadRequestError, TransactionLimitError
from livefile.vocabulary.limits import (
    BYTES_READ_MAX,
    BYTES_WRITTEN_MAX,
    DOCUMENTS_READ_MAX,
    DOCUMENTS_WRITTEN_MAX,
    FUNCTIONS_SCHEDULED_MAX,
    INTERVALS_READ_MAX,
    SCHEDULED_ARGUMENTS_SIZE_BYTES_MAX,
    TRANSACTION_FILE_BYTES_MAX,
    TRANSACTION_FILES_MAX,
)

_LIMITS = {
    "bytesRead": BYTES_READ_MAX,
    "bytesWritten": BYTES_WRITTEN_MAX,
    "databaseQueries": INTERVALS_READ_MAX,
    "documentsRead": DOCUMENTS_READ_MAX,
    "documentsWritten": DOCUMENTS_WRITTEN_MAX,
    "functionsScheduled": FUNCTIONS_SCHEDULED_MAX,
    "scheduledFunctionArgsBytes": SCHEDULED_ARGUMENTS_SIZE_BYTES_MAX,
    "filesWritten": TRANSACTION_FILES_MAX,
    "fileWriteBytes": TRANSACTION_FILE_BYTES_MAX,
    "filesRead": TRANSACTION_FILES_MAX,
    "fileReadBytes": TRANSACTION_FILE_BYTES_MAX,
}


def metrics(transaction: Transaction, running: RunningCall) -> dict[str, dict[str, int]]:
    """Return what was used, and what remains for the function that runs now."""
    used = _used(transaction, running)
    found = {}
    for name, count in used.items():
        ends = [_LIMITS[name], *(each[name] for each in running.set_limits if name in each)]
        found[name] = {"used": count, "remaining": max(0, min(ends) - count)}
    return found


@contextmanager
def limited(
    transaction: Transaction, running: RunningCall, limits: Mapping[str, float] | None
) -> Iterator[None]:
    """Let what runs inside of the block use so much and no more.

    Raises:
        BadRequestError: there is no such limit.
        TransactionLimitError: at the end of the block, if it used more.
    """
    if not limits:
        yield
        return
    used = _used(transaction, running)
    for name, limit in limits.items():
        if name not in used or limit < 0:
            raise BadRequestError(
                "InvalidTransactionLimits",
                f"transactionLimits are numbers from 0 for {', '.join(used)}; got {name}: {limit}",
            )
    before = running.set_limits
    running.set_limits = (*before, {name: used[name] + int(it) for name, it in limits.items()})
    try:
        yield
        check_usage(transaction, running)
    finally:
        running.set_limits = before


def check_usage(transaction: Transaction, running: RunningCall) -> None:
    """Refuse to go on if more was used than those who called the running function allow.

    Raises:
        TransactionLimitError: it was.
    """
    if not running.set_limits:
        return
    used = _used(transaction, running)
    for limits in running.set_limits:
        for name, end in limits.items():
            if used[name] > end:
                raise TransactionLimitError(
                    "TransactionLimitsExceeded",
                    f"The function uses more {name} than the transactionLimits of its call allow",
                )


def _used(transaction: Transaction, running: RunningCall) -> dict[str, int]:
    return {
        "bytesRead": transaction.bytes_read,
        "bytesWritten": transaction.bytes_written,
        "databaseQueries": transaction.reads.ranges_count,
        "documentsRead": transaction.documents_read,
        "documentsWritten": transaction.documents_written,
        "functionsScheduled": running.scheduled_count,
        "scheduledFunctionArgsBytes": running.scheduled_size_bytes,
        "filesWritten": running.files_written,
        "fileWriteBytes": running.file_bytes_written,
        "filesRead": running.files_read,
        "fileReadBytes": running.file_bytes_read,
    }
