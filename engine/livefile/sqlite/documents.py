"""Reading and writing documents and index entries.

Documents are packed bytes here, index keys are ordered bytes; what they mean is decided above.

Not here: snapshots and transactions (``transaction/``).
"""

from collections.abc import Iterable
from typing import cast

import apsw

from livefile.model.interval import Interval

_GET = "SELECT document FROM documents WHERE table_number = ? AND internal_id = ?"

_SCAN = """
SELECT entry.key, document.document
FROM index_entries AS entry
JOIN documents AS document
  ON document.table_number = ? AND document.internal_id = substr(entry.key, -16)
WHERE entry.index_id = ? AND entry.key >= ? AND entry.key < ?
ORDER BY entry.key {direction}
LIMIT ?
"""
_SCAN_UP = _SCAN.format(direction="ASC")
_SCAN_DOWN = _SCAN.format(direction="DESC")

_SCAN_IDS = """
SELECT internal_id, document
FROM documents
WHERE table_number = ? AND internal_id >= ? AND internal_id < ?
ORDER BY internal_id {direction}
LIMIT ?
"""
_SCAN_IDS_UP = _SCAN_IDS.format(direction="ASC")
_SCAN_IDS_DOWN = _SCAN_IDS.format(direction="DESC")

_PUT = """
INSERT INTO documents (table_number, internal_id, document) VALUES (?, ?, ?)
ON CONFLICT (table_number, internal_id) DO UPDATE SET document = excluded.document
"""
_REMOVE = "DELETE FROM documents WHERE table_number = ? AND internal_id = ?"
_ADD_ENTRY = "INSERT INTO index_entries (index_id, key) VALUES (?, ?)"
_REMOVE_ENTRY = "DELETE FROM index_entries WHERE index_id = ? AND key = ?"


def get(connection: apsw.Connection, table_number: int, internal_id: bytes) -> bytes | None:
    """Return a packed document, None if there is none."""
    found: bytes | None = connection.execute(_GET, (table_number, internal_id)).get
    return found


def scan(
    connection: apsw.Connection,
    table_number: int,
    index_id: int,
    interval: Interval,
    limit: int,
    *,
    is_descending: bool,
) -> list[tuple[bytes, bytes]]:
    """Return up to ``limit`` pairs (index key, packed document), in the index's order."""
    sql = _SCAN_DOWN if is_descending else _SCAN_UP
    bindings = (table_number, index_id, interval.start, interval.end, limit)
    return cast(list[tuple[bytes, bytes]], connection.execute(sql, bindings).fetchall())


def scan_ids(
    connection: apsw.Connection,
    table_number: int,
    interval: Interval,
    limit: int,
    *,
    is_descending: bool,
) -> list[tuple[bytes, bytes]]:
    """Return up to ``limit`` pairs (internal id, packed document), in the order of the ids."""
    sql = _SCAN_IDS_DOWN if is_descending else _SCAN_IDS_UP
    bindings = (table_number, interval.start, interval.end, limit)
    return cast(list[tuple[bytes, bytes]], connection.execute(sql, bindings).fetchall())


def put(
    connection: apsw.Connection, table_number: int, internal_id: bytes, document: bytes
) -> None:
    """Insert a document or replace it."""
    connection.execute(_PUT, (table_number, internal_id, document))


def remove(connection: apsw.Connection, table_number: int, internal_id: bytes) -> None:
    """Remove a document."""
    connection.execute(_REMOVE, (table_number, internal_id))


def add_entries(connection: apsw.Connection, entries: Iterable[tuple[int, bytes]]) -> None:
    """Add index entries, each an index's id and a key."""
    connection.executemany(_ADD_ENTRY, entries)


def remove_entries(connection: apsw.Connection, entries: Iterable[tuple[int, bytes]]) -> None:
    """Remove index entries, each an index's id and a key."""
    connection.executemany(_REMOVE_ENTRY, entries)
