"""Reading and writing documents and index entries.

Documents are packed bytes here, index keys are ordered bytes; what they mean is decided above.

Not here: snapshots and transactions (``transaction/``).
"""

from collections.abc import Iterable

import apsw

from livefile.model.interval import Interval
from livefile.model.write import DocumentWrite
from livefile.sqlite.readers import read_failure

_GET = "SELECT document FROM documents WHERE table_number = ? AND internal_id = ?"

_COUNT = "SELECT count(*) FROM documents WHERE table_number = ?"
_SIZE = "SELECT ifnull(sum(length(document)), 0) FROM documents WHERE table_number = ?"
_COUNT_IDS = f"{_COUNT} AND internal_id >= ? AND internal_id < ?"
_COUNT_ENTRIES = "SELECT count(*) FROM index_entries WHERE index_id = ? AND key >= ? AND key < ?"

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
    try:
        found: bytes | None = connection.execute(_GET, (table_number, internal_id)).get
    except apsw.Error as error:
        raise read_failure(error) from error
    return found


def count(connection: apsw.Connection, table_number: int) -> int:
    """Return how many documents a table has."""
    found: int = connection.execute(_COUNT, (table_number,)).get
    return found


def size_bytes(connection: apsw.Connection, table_number: int) -> int:
    """Return how many bytes the documents of a table have. Reads the whole table."""
    return _count(connection, _SIZE, (table_number,))


def count_ids(connection: apsw.Connection, table_number: int, interval: Interval) -> int:
    """Return how many documents of a table have ids in an interval. Reads all of their keys."""
    return _count(connection, _COUNT_IDS, (table_number, interval.start, interval.end))


def count_entries(connection: apsw.Connection, index_id: int, interval: Interval) -> int:
    """Return how many entries of an index are in an interval. Reads all of them."""
    return _count(connection, _COUNT_ENTRIES, (index_id, interval.start, interval.end))


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
    return _fetch(connection, sql, bindings)


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
    return _fetch(connection, sql, bindings)


def apply(connection: apsw.Connection, writes: Iterable[DocumentWrite]) -> None:
    """Let every written document be as its write leaves it."""
    put: list[tuple[int, bytes, bytes]] = []
    removed: list[tuple[int, bytes]] = []
    for write in writes:
        if write.after is None:
            removed.append((write.table_number, write.internal_id))
        else:
            put.append((write.table_number, write.internal_id, write.after))
    if put:
        connection.executemany(_PUT, put)
    if removed:
        connection.executemany(_REMOVE, removed)


def add_entries(connection: apsw.Connection, entries: Iterable[tuple[int, bytes]]) -> None:
    """Add index entries, each an index's id and a key."""
    connection.executemany(_ADD_ENTRY, entries)


def remove_entries(connection: apsw.Connection, entries: Iterable[tuple[int, bytes]]) -> None:
    """Remove index entries, each an index's id and a key."""
    connection.executemany(_REMOVE_ENTRY, entries)


def _count(connection: apsw.Connection, sql: str, bindings: tuple[int | bytes, ...]) -> int:
    try:
        found: int = connection.execute(sql, bindings).get
    except apsw.Error as error:
        raise read_failure(error) from error
    return found


def _fetch(
    connection: apsw.Connection, sql: str, bindings: tuple[int | bytes, ...]
) -> list[tuple[bytes, bytes]]:
    try:
        rows = connection.execute(sql, bindings).fetchall()
    except apsw.Error as error:
        raise read_failure(error) from error
    return rows  # type: ignore[return-value]  # Two columns of bytes.
