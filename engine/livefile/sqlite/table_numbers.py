"""Giving tables the numbers that the ids of imported documents carry.

Only a table without documents can change its number. Its indexes keep theirs.

Not here: which numbers are wanted (``archive/import_tables.py``).
"""

from collections.abc import Mapping

import apsw

_SET_TABLE = "UPDATE tables SET number = ? WHERE number = ?"
_SET_INDEXES = "UPDATE indexes SET table_number = ? WHERE table_number = ?"
_HAS_DOCUMENTS = "SELECT 1 FROM documents WHERE table_number = ? LIMIT 1"
_FORGET_COMMITS = "DELETE FROM commits WHERE ts < (SELECT max(ts) FROM commits)"


def has_documents(connection: apsw.Connection, table_number: int) -> bool:
    """Return whether a table has any document."""
    return connection.execute(_HAS_DOCUMENTS, (table_number,)).get is not None


def move_tables(connection: apsw.Connection, moves: Mapping[int, int]) -> None:
    """Give tables without documents other numbers: from each key to its value, all at once."""
    # By way of numbers that nobody has, because two tables may change places.
    for before in moves:
        _set(connection, before, -before)
    for before, after in moves.items():
        _set(connection, -before, after)


def forget_commits(connection: apsw.Connection) -> None:
    """Let the commit log begin with the newest commit.

    It names documents by the numbers of their tables, so it ends where a table changes its own.
    """
    connection.execute(_FORGET_COMMITS)


def _set(connection: apsw.Connection, before: int, after: int) -> None:
    connection.execute(_SET_TABLE, (after, before))
    connection.execute(_SET_INDEXES, (after, before))
