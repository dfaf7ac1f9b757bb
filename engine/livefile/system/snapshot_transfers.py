"""Imports and exports that were asked for over the wire: how each of them is going.

Each is a document of ``_snapshot_imports`` or ``_snapshot_exports``, so that whoever waits for one
watches a query. The states are the protocol's:

    import    uploaded, waiting_for_confirmation, in_progress, then completed or failed
    export    requested, in_progress, then completed or failed

Not here: the work itself (``transfers.py`` of the facade); the files, which are the server's.
"""

from typing import cast

from livefile.model.document_id import decode_document_id
from livefile.model.index_range import BY_CREATION_TIME
from livefile.model.interval import EVERYTHING
from livefile.model.value import Int64
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import InvalidDocumentIdError
from livefile.vocabulary.limits import TRANSFERS_KEPT_MAX

IMPORTS = "_snapshot_imports"
EXPORTS = "_snapshot_exports"

WAITING = "waiting_for_confirmation"
"""The state of an import that somebody is to confirm."""

_ENDED = ("completed", "failed")
_GIVEN_UP = "The server stopped before it was done"


def begin_import(transaction: Transaction, facts: Document) -> str:
    """Add an import whose file has arrived, and return its id."""
    _make_room(transaction, IMPORTS)
    return transaction.insert(IMPORTS, {**facts, "state": {"state": "uploaded"}})


def begin_export(transaction: Transaction, facts: Document) -> str:
    """Add an export that has not begun, and return its id."""
    _make_room(transaction, EXPORTS)
    return transaction.insert(EXPORTS, {**facts, "state": "requested"})


def set_import_state(transaction: Transaction, id: str, state: Document) -> None:
    """Record how an import is going; one that has ended stays as it is."""
    found = transaction.get(id)
    if found is not None and not _has_ended(found):
        transaction.patch(id, {"state": state})


def claim_import(transaction: Transaction, id: str, state: Document) -> str:
    """Bring an import that waits to be confirmed into another state.

    Returns:
        The name of its state before, ``unknown`` if there is no such import. If that is not
        ``WAITING``, nothing was changed.
    """
    found = find_import(transaction, id)
    before = None if found is None else found["state"]
    name = str(before["state"]) if isinstance(before, dict) else "unknown"
    if name == WAITING:
        transaction.patch(id, {"state": state})
    return name


def set_export_state(transaction: Transaction, id: str, fields: Document) -> None:
    """Record how an export is going, in fields of its document."""
    if transaction.get(id) is not None:
        transaction.patch(id, fields)


def find_import(transaction: Transaction, id: str) -> Document | None:
    """Return an import, None if there is none of this id."""
    try:
        number, _ = decode_document_id(id)
    except InvalidDocumentIdError:
        return None
    if number != transaction.catalog.tables[IMPORTS].number:
        return None
    return transaction.get(id)


def read_transfers(transaction: Transaction, table: str) -> list[Document]:
    """Return all that are kept of one table, the newest first."""
    entry = transaction.catalog.tables[table]
    index = entry.indexes[BY_CREATION_TIME]
    return list(transaction.scan(entry, index, EVERYTHING, is_descending=True))


def has_unfinished(transaction: Transaction) -> bool:
    """Return whether any of them has not ended."""
    every = (*read_transfers(transaction, IMPORTS), *read_transfers(transaction, EXPORTS))
    return not all(_has_ended(found) for found in every)


def give_up_unfinished(transaction: Transaction) -> None:
    """Let all that have not ended have failed: those that a process before this one left."""
    for found in read_transfers(transaction, IMPORTS):
        set_import_state(transaction, cast(str, found["_id"]), failed(_GIVEN_UP))
    for found in read_transfers(transaction, EXPORTS):
        if not _has_ended(found):
            transaction.patch(cast(str, found["_id"]), {"state": "failed"})


def failed(message: str) -> Document:
    """Return the state of an import that came to nothing."""
    return {"state": "failed", "error_message": message}


def completed(rows_count: int) -> Document:
    """Return the state of an import that is done."""
    return {"state": "completed", "num_rows_written": Int64(rows_count)}


def _has_ended(found: Document) -> bool:
    state = found["state"]
    return (state["state"] if isinstance(state, dict) else state) in _ENDED


def _make_room(transaction: Transaction, table: str) -> None:
    for found in read_transfers(transaction, table)[TRANSFERS_KEPT_MAX - 1 :]:
        transaction.delete(cast(str, found["_id"]))
