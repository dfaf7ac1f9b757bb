"""How far each migration of a file came, so that it goes on there after a crash.

Not here: running one (``functions/migration_run.py``).
"""

from dataclasses import dataclass

import apsw

_FIND = """
SELECT table_number, last_id, documents_seen, documents_changed, is_finished
FROM migrations WHERE path = ?
"""
_PUT = """
INSERT OR REPLACE INTO migrations
(path, table_number, last_id, documents_seen, documents_changed, is_finished)
VALUES (?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class MigrationRow:
    """One row. Documents up to ``last_id``, in the order of their ids, are done."""

    table_number: int
    last_id: bytes
    documents_seen: int
    documents_changed: int
    is_finished: bool


def find(connection: apsw.Connection, path: str) -> MigrationRow | None:
    """Return how far a migration came, None if it never began."""
    found = connection.execute(_FIND, (path,)).fetchone()
    if found is None:
        return None
    table_number, last_id, documents_seen, documents_changed, is_finished = found
    return MigrationRow(
        table_number=table_number,
        last_id=last_id,
        documents_seen=documents_seen,
        documents_changed=documents_changed,
        is_finished=bool(is_finished),
    )


def put(connection: apsw.Connection, path: str, row: MigrationRow) -> None:
    """Write how far a migration came."""
    connection.execute(
        _PUT,
        (
            path,
            row.table_number,
            row.last_id,
            row.documents_seen,
            row.documents_changed,
            row.is_finished,
        ),
    )
