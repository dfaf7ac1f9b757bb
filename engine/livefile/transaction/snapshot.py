"""One unchanging view of all documents, at one timestamp.

A snapshot is a read transaction of SQLite plus the timestamp of the newest commit in it, read
inside that same transaction, so the two cannot disagree.

Not here: pending writes (``transaction/write_set.py``) and read tracking (``transaction.py``).
"""

from livefile.model.index_spec import Summary
from livefile.model.interval import Interval
from livefile.sqlite import blobs, catalog, documents, settings
from livefile.sqlite.catalog import Catalog, IndexEntry, TableEntry
from livefile.sqlite.connections import Connection
from livefile.sqlite.summaries import SummarizedIndex, Totals


class Snapshot:
    """A view through one connection. It lives as long as the connection's transaction.

    At the head of the history the connection is the writer's, inside the open commit group;
    everywhere else it is a reader's. One thread.
    """

    __slots__ = ("_connection", "catalog", "ts")

    def __init__(self, connection: Connection, ts: int, catalog: Catalog) -> None:
        self._connection = connection
        self.ts = ts
        self.catalog = catalog

    @property
    def connection(self) -> Connection:
        """The connection, for whoever lent it."""
        return self._connection

    def get(self, table_number: int, internal_id: bytes) -> bytes | None:
        """Return a packed document, None if there is none."""
        return documents.get(self._connection, table_number, internal_id)

    def count(self, table_number: int) -> int:
        """Return how many documents a table has. Reads the whole table: for reports, not calls."""
        return documents.count(self._connection, table_number)

    def size_bytes(self, table_number: int) -> int:
        """Return how many bytes the packed documents of a table have. Reads the whole table."""
        return documents.size_bytes(self._connection, table_number)

    def summarized(self, index: IndexEntry) -> SummarizedIndex:
        """Return the summary of an index."""
        return catalog.summarized(self._connection, index.id, index.spec)

    def totals(self, table: TableEntry, index: IndexEntry, interval: Interval) -> Totals:
        """Return the totals of the stored entries in a range of an index."""
        if index.spec.summary is not Summary.NONE:
            return self.summarized(index).totals(interval)
        if index.id == table.by_id:
            return Totals(documents.count_ids(self._connection, table.number, interval))
        return Totals(documents.count_entries(self._connection, index.id, interval))

    def read_chunk(self, blob_id: bytes, number: int) -> bytes | None:
        """Return a chunk of a blob, None if it is not there."""
        return blobs.read_chunk(self._connection, blob_id, number)

    def cursor_secret(self) -> bytes:
        """Return the file's own secret for cursors."""
        return self._secret(settings.CURSOR_SECRET)

    def upload_secret(self) -> bytes:
        """Return the file's own secret for upload tokens."""
        return self._secret(settings.UPLOAD_SECRET)

    def token_secret(self) -> bytes:
        """Return the file's own secret for tokens that functions sign."""
        return self._secret(settings.TOKEN_SECRET)

    def _secret(self, name: str) -> bytes:
        secret = settings.read_setting(self._connection, name)
        assert secret is not None  # Made when the file was opened.
        return secret

    def scan(
        self,
        table: TableEntry,
        index: IndexEntry,
        interval: Interval,
        limit: int,
        *,
        is_descending: bool,
    ) -> list[tuple[bytes, bytes]]:
        """Return up to ``limit`` pairs (index key, packed document), in the index's order."""
        if index.id == table.by_id:
            return documents.scan_ids(
                self._connection, table.number, interval, limit, is_descending=is_descending
            )
        return documents.scan(
            self._connection, table.number, index.id, interval, limit, is_descending=is_descending
        )
