"""Blobs: the bytes of stored files, cut into chunks, in a table of the file.

They are no documents: nothing tracks who reads them and the commit log does not hold them. What a
blob belongs to, and whether it is complete, its document says.

Not here: that document (``system/stored_files.py``); who writes the chunks (``functions/files.py``)
and who removes them (``workers/blob_removal.py``).
"""

import apsw

# With a row id, although the key is another one: only such a table hands out a large value without
# copying it twice, which makes reading five times as fast.
_ADD = "INSERT INTO blob_chunks (blob_id, number, bytes) VALUES (?, ?, ?)"
_READ = "SELECT bytes FROM blob_chunks WHERE blob_id = ? AND number = ?"
_REMOVE = """
DELETE FROM blob_chunks WHERE rowid IN (
    SELECT rowid FROM blob_chunks WHERE blob_id = ? LIMIT ?
)
"""


def add_chunk(connection: apsw.Connection, blob_id: bytes, number: int, chunk: bytes) -> None:
    """Add a chunk to a blob; ``number`` counts from 0."""
    connection.execute(_ADD, (blob_id, number, chunk))


def read_chunk(connection: apsw.Connection, blob_id: bytes, number: int) -> bytes | None:
    """Return a chunk, None if it is not there, or not any more."""
    found: bytes | None = connection.execute(_READ, (blob_id, number)).get
    return found


def remove_chunks(connection: apsw.Connection, blob_id: bytes, count_max: int) -> bool:
    """Remove some chunks of a blob. Return whether it has none left."""
    connection.execute(_REMOVE, (blob_id, count_max))
    return connection.changes() < count_max
