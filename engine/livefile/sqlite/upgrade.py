"""Bringing a file of an older format to the newest, when it is opened.

Each format has the statements that make it from the one before. An upgrade is one transaction:
a file is of one format or of the next.

Not here: the newest format (``ddl.sql``); files of a newer one (``sqlite/connections.py``).
"""

from collections.abc import Mapping

import apsw

# Format 2: indexes have a state, because they are built and removed beside live traffic, and
# tables know the defaults that documents are still to get.
_TO_2 = """
CREATE TABLE new_indexes (
    id           INTEGER PRIMARY KEY,
    table_number INTEGER NOT NULL REFERENCES tables (number),
    name         TEXT NOT NULL,
    fields       TEXT NOT NULL,
    missing      BLOB,
    state        TEXT NOT NULL
) STRICT;
INSERT INTO new_indexes (id, table_number, name, fields, state)
SELECT id, table_number, name, fields, 'ready' FROM indexes;
DROP TABLE indexes;
ALTER TABLE new_indexes RENAME TO indexes;
CREATE UNIQUE INDEX ready_indexes ON indexes (table_number, name) WHERE state = 'ready';
ALTER TABLE tables ADD COLUMN defaults BLOB;
CREATE TABLE migrations (
    path              TEXT PRIMARY KEY,
    table_number      INTEGER NOT NULL,
    last_id           BLOB NOT NULL,
    documents_seen    INTEGER NOT NULL,
    documents_changed INTEGER NOT NULL,
    is_finished       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

# Format 3: an index has a spec, because not every one is ordered. Tables of the system come by
# themselves (``sqlite/system_tables.py``).
_TO_3 = """
ALTER TABLE indexes RENAME COLUMN fields TO spec;
UPDATE indexes SET spec = json_object('fields', json(spec));
CREATE TABLE summaries (
    index_id INTEGER NOT NULL,
    level    INTEGER NOT NULL,
    start    BLOB NOT NULL,
    count    INTEGER NOT NULL,
    children INTEGER NOT NULL,
    sum      BLOB,
    PRIMARY KEY (index_id, level, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE blob_chunks (
    blob_id BLOB NOT NULL,
    number  INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (blob_id, number)
) STRICT;
CREATE TABLE vectors (
    number    INTEGER PRIMARY KEY,
    direction BLOB
) STRICT;
CREATE TABLE vector_entries (
    index_id    INTEGER NOT NULL,
    key         BLOB NOT NULL,
    internal_id BLOB NOT NULL,
    number      INTEGER NOT NULL,
    signs       BLOB,
    filter_keys BLOB,
    PRIMARY KEY (index_id, key, internal_id)
) STRICT, WITHOUT ROWID;
"""

# Format 4: code may be pushed, and is kept in the file.
_TO_4 = """
CREATE TABLE modules (
    hash       TEXT PRIMARY KEY,
    source     BLOB NOT NULL,
    source_map BLOB
) STRICT, WITHOUT ROWID;
"""

_STATEMENTS: Mapping[int, str] = {2: _TO_2, 3: _TO_3, 4: _TO_4}


def upgrade(connection: apsw.Connection, current: int, wanted: int) -> None:
    """Bring a file from format ``current`` to ``wanted``, step by step."""
    for number in range(current + 1, wanted + 1):
        with connection:
            connection.execute(_STATEMENTS[number])
            connection.pragma("user_version", number)
