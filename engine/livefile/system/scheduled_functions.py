"""Scheduled functions: the documents of ``_scheduled_functions``, which apps read and watch.

A document says which function is to be called with what and when, and what has become of it:
``pending``, ``inProgress`` (only actions are ever seen so), ``success``, ``failed`` or
``canceled``. Its fields are the protocol's.

Not here: running what is due (``workers/``); ``ctx.scheduler`` (``functions/scheduling.py``).
"""

from collections.abc import Mapping

from livefile.model.document_id import decode_document_id
from livefile.model.index_key import encode_value, successor
from livefile.model.interval import Interval
from livefile.model.value import Value
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import InvalidDocumentIdError
from livefile.vocabulary.limits import JOBS_REMOVED_MAX, JOBS_REMOVED_SIZE_BYTES_MAX

TABLE = "_scheduled_functions"
BY_COMPLETED = "by_completed"

FINISHED = Interval(encode_value(0.0)[:1], successor(encode_value(0.0)[:1]))
"""Those in ``BY_COMPLETED`` that are over; the others lack the number."""

_CANCELED: Document = {"kind": "canceled"}


def schedule(
    transaction: Transaction,
    name: str,
    args: Mapping[str, Value],
    scheduled_ms: float,
    parent_id: str | None,
) -> str:
    """Add a scheduled function and return its id.

    ``name`` is ``folder/module.js:name``. ``parent_id`` is the scheduled function on whose behalf
    this is done: if that was cancelled, what it still schedules is cancelled from the beginning.
    """
    document: Document = {
        "name": name,
        "args": [dict(args)],
        "scheduledTime": scheduled_ms,
        "state": {"kind": "pending"},
    }
    if parent_id is not None and _is_canceled(transaction, parent_id):
        document |= {"state": dict(_CANCELED), "completedTime": transaction.now_ns / 1e6}
    return transaction.insert(TABLE, document)


def cancel(transaction: Transaction, id: str) -> None:
    """Cancel a scheduled function: if it has not begun, it never will.

    An action that has begun goes on, and what it schedules from now on is cancelled, too. On one
    that is over this has no effect.

    Raises:
        InvalidDocumentIdError: the text is no id of a scheduled function.
    """
    if not is_scheduled_function(transaction, id):
        raise InvalidDocumentIdError(
            "Invalid scheduled function ID. The ID must be an ID on the "
            f"'_scheduled_functions' table. Got {id!r}."
        )
    found = transaction.get(id)
    if found is not None and "completedTime" not in found:
        _complete(transaction, id, dict(_CANCELED))


def end(transaction: Transaction, found: Document, error: str | None) -> None:
    """Record that a scheduled function has run; one that was cancelled meanwhile stays so."""
    if "completedTime" not in found:
        state: Document = {"kind": "success"} if error is None else _failed(error)
        _complete(transaction, str(found["_id"]), state)


def remove_finished(transaction: Transaction, before_ms: float) -> int:
    """Remove the oldest of those that were over before a moment, a batch of them."""
    table = transaction.catalog.tables[TABLE]
    index = table.indexes[BY_COMPLETED]
    removed: list[str] = []
    for found in transaction.scan(table, index, FINISHED):
        is_enough = (
            len(removed) >= JOBS_REMOVED_MAX or transaction.bytes_read > JOBS_REMOVED_SIZE_BYTES_MAX
        )
        if is_enough or completed_ms(found) >= before_ms:
            break
        removed.append(str(found["_id"]))
    for id in removed:
        transaction.delete(id)
    return len(removed)


def is_scheduled_function(transaction: Transaction, id: object) -> bool:
    """Return whether something is the id of a scheduled function, be it there or not."""
    try:
        table_number, _ = decode_document_id(id)  # type: ignore[arg-type]  # Whatever apps give.
    except (InvalidDocumentIdError, TypeError):  # The second from what is no text.
        return False
    return table_number == transaction.catalog.tables[TABLE].number


def completed_ms(found: Document) -> float:
    """Return when a scheduled function was over."""
    completed = found["completedTime"]
    assert isinstance(completed, float)
    return completed


def _is_canceled(transaction: Transaction, id: str) -> bool:
    found = transaction.get(id)
    return found is not None and found["state"] == _CANCELED


def _failed(error: str) -> Document:
    return {"kind": "failed", "error": error}


def _complete(transaction: Transaction, id: str, state: Document) -> None:
    transaction.patch(id, {"state": state, "completedTime": transaction.now_ns / 1e6})
