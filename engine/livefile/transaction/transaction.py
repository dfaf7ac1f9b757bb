"""A transaction: reads from a snapshot, tracks what it read, buffers what it writes.

Nothing reaches the file before the committer has validated the read set and applied the write
set (``transaction/committer.py``). Documents are plain dictionaries here; tables are named.

Not here: typed documents (``functions/database.py``); ranges and order (``model/index_range.py``).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import cast

from livefile.model.document import check_document, check_document_fields, copy_of
from livefile.model.document_id import decode_document_id, encode_document_id, new_internal_id
from livefile.model.index_key import key_internal_id
from livefile.model.interval import Interval
from livefile.model.value import Value
from livefile.model.value_packed import is_surely_within, pack, unpack
from livefile.sqlite.catalog import Catalog, IndexEntry, TableEntry
from livefile.transaction.read_set import TABLE_NAMES_INDEX, ReadSet
from livefile.transaction.scan import Scan, split
from livefile.transaction.snapshot import Snapshot
from livefile.transaction.write_set import Document, Overlay, PendingWrite, WriteSet
from livefile.vocabulary.errors import (
    DocumentNotFoundError,
    HeadRequiredError,
    TransactionLimitError,
)
from livefile.vocabulary.limits import (
    BYTES_READ_MAX,
    BYTES_WRITTEN_MAX,
    DOCUMENT_SIZE_BYTES_MAX,
    DOCUMENTS_READ_MAX,
    DOCUMENTS_WRITTEN_MAX,
)

# Rows fetched at a time when no limit says how many are wanted, and at most: a document may have
# a megabyte, and the limit of what may be read is known only once it is here.
_SCAN_ROWS = 64
_SCAN_ROWS_MAX = 256

# At least twice the distance between two creation times: milliseconds as floats are that coarse.
_CREATION_STEP_NS = 512

_READ_ADVICE = (
    "Consider using smaller limits in your queries, paginating your queries, or using indexed "
    "queries with a selective index range expressions."
)


class Transaction:
    """One attempt of one function on the database. One thread; dead after its commit.

    ``create_table`` makes a table that no schema declares; only transactions at the head have it.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        now_ns: int,
        seed: int,
        create_table: Callable[[str], Catalog] | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.catalog = snapshot.catalog
        self.reads = ReadSet()
        self.writes = WriteSet()
        self._seed = seed
        self.now_ns = now_ns if now_ns > snapshot.ts else snapshot.ts
        """The moment that everything in it sees: nanoseconds since 1970."""
        self._inserts_count = 0
        self._creation_time_ms = self.now_ns / 1e6
        self._create_table = create_table
        self.commit_ts: int | None = None
        """The timestamp that its commit will have, once it was asked for."""
        # What was fetched: a document that is found is often patched next. By table as well,
        # because a client may send the id of one table's document as that of another's.
        self._fetched: dict[tuple[int, bytes], bytes | None] = {}
        self.journal: str | None = None
        """Where the page that the call reads is to end; then, where it did end."""
        self.has_paginated = False
        # What was read and written so far. Documents count in the size in which they are stored.
        self.documents_read = 0
        self.bytes_read = 0
        self.documents_written = 0
        self.bytes_written = 0

    @property
    def creation_end_ns(self) -> int:
        """A moment after all creation times that it has given, 0 if it gave none."""
        count = self._inserts_count
        return self.now_ns + (count + 1) * _CREATION_STEP_NS if count else 0

    def fix_commit_ts(self) -> int:
        """Return the timestamp that the commit will have. At the head nothing comes before it."""
        if self._create_table is None:
            raise HeadRequiredError("only a transaction at the head knows when it commits")
        self.commit_ts = max(self.now_ns, self.snapshot.ts + 1)
        return self.commit_ts

    def table(self, name: str) -> TableEntry | None:
        """Return a table, None if it does not exist; its absence counts as read."""
        found = self.catalog.tables.get(name)
        if found is None:
            self.reads.add_point(TABLE_NAMES_INDEX, name.encode())
        return found

    def get(self, document_id: str) -> Document | None:
        """Return a document by its id, None if there is none.

        Raises:
            InvalidDocumentIdError: the text is no id.
        """
        table_number, internal_id = decode_document_id(document_id)
        table = self.catalog.by_number.get(table_number)
        if table is None:
            return None
        self.reads.add_point(table.by_id, internal_id)
        pending = self.writes.get(table_number, internal_id)
        if pending is not None:
            return None if pending.after is None else copy_of(pending.after)
        packed = self._fetch(table_number, internal_id)
        return None if packed is None else self._read(packed)

    def scan(
        self,
        table: TableEntry,
        index: IndexEntry,
        interval: Interval,
        *,
        is_descending: bool = False,
    ) -> Iterator[Document]:
        """Yield the documents in a range of an index, in its order, own writes included.

        Each is the next one at the moment when it is asked for, also among writes made meanwhile.
        Rows are fetched some at a time; what was fetched counts as read, not what was consumed.
        """
        scan = self._scan(table, index, interval, _SCAN_ROWS, is_descending=is_descending)
        for key, document in scan.rows(partial(self.reads.add, index.id)):
            yield self._take(table, key, document)

    def read_until(
        self,
        table: TableEntry,
        index: IndexEntry,
        interval: Interval,
        is_enough: Callable[[bytes, Document], bool],
        *,
        rows_count: int,
        is_descending: bool = False,
    ) -> bool:
        """Hand ``scan``'s documents and their keys to ``is_enough`` until it says so.

        Rows are fetched ``rows_count`` at a time, but exactly the part of the range that was
        handed over counts as read, also if a document is over a limit or ``is_enough`` raises.

        Returns:
            Whether the range ended first.
        """
        scan = self._scan(
            table, index, interval, min(rows_count, _SCAN_ROWS_MAX), is_descending=is_descending
        )
        covered = Interval(interval.end, interval.end)
        try:
            for key, document in scan.rows(lambda _: None):
                covered = scan.up_to(interval, key)
                if is_enough(key, self._take(table, key, document)):
                    return False
            covered = interval
            return True
        finally:
            self.reads.add(index.id, covered)

    def take(
        self,
        table: TableEntry,
        index: IndexEntry,
        interval: Interval,
        count: int,
        *,
        is_descending: bool = False,
    ) -> list[Document]:
        """Return the first ``count`` documents that ``scan`` would yield; reads about as many."""
        overlay = self.writes.overlay(table, index, interval)
        taken: list[Document] = []
        rows_max = _SCAN_ROWS_MAX if count <= _SCAN_ROWS_MAX else _SCAN_ROWS
        while len(taken) < count and interval.start < interval.end:
            missing = count - len(taken)
            wanted = min(missing + len(overlay.hidden), rows_max)
            rows, interval = self._fetch_rows(
                table, index, interval, wanted, overlay, is_descending=is_descending
            )
            if overlay.hidden:
                taken += [self._take(table, key, document) for key, document in rows[:missing]]
            else:
                taken += self._take_stored(table, rows)  # type: ignore[arg-type]  # No own writes.
        return taken

    def insert(self, table_name: str, fields: Mapping[str, Value]) -> str:
        """Add a document and return its id.

        Raises:
            InvalidValueError: the document is over a limit.
        """
        table = self._table_for_insert(table_name)
        internal_id = new_internal_id(self._seed, self.now_ns, self._inserts_count)
        document_id = encode_document_id(table.number, internal_id)
        document: Document = {
            "_id": document_id,
            "_creationTime": self._creation_time_ms,
            **fields,
        }
        self._inserts_count += 1
        self._creation_time_ms = math.nextafter(self._creation_time_ms, math.inf)
        self._write(PendingWrite(table, internal_id, None, None), document, fields)
        return document_id

    def replace(self, document_id: str, fields: Mapping[str, Value]) -> None:
        """Give a document other fields; its id and creation time stay.

        Raises:
            DocumentNotFoundError: there is no such document.
            InvalidValueError: the document is over a limit.
        """
        write, current = self._existing(document_id, "Replace")
        system = {"_id": current["_id"], "_creationTime": current["_creationTime"]}
        self._write(write, {**system, **fields}, fields)

    def patch(
        self, document_id: str, fields: Mapping[str, Value], removed: frozenset[str] = frozenset()
    ) -> None:
        """Set some fields of a document and remove others.

        Raises:
            DocumentNotFoundError: there is no such document.
            InvalidValueError: the document is over a limit.
        """
        write, current = self._existing(document_id, "Update")
        after = {**current, **fields}
        for name in removed:
            after.pop(name, None)
        self._write(write, after, fields)

    def delete(self, document_id: str) -> None:
        """Remove a document.

        Raises:
            DocumentNotFoundError: there is no such document.
        """
        write, _ = self._existing(document_id, "Delete")
        self._write(write, None, {})

    def overwrite(self, table_number: int, internal_id: bytes, packed: bytes | None) -> None:
        """Let this transaction see another image of a document, or none. It is no write.

        For transactions in the past.
        """
        document = None if packed is None else cast(Document, unpack(packed))
        self.writes.put(
            PendingWrite(
                table=self.catalog.by_number[table_number],
                internal_id=internal_id,
                before=document,
                before_packed=packed,
                after=document,
            )
        )

    def _existing(self, document_id: str, verb: str) -> tuple[PendingWrite, Document]:
        """Return a new write of a document, for ``_write`` to complete, and its current image."""
        table_number, internal_id = decode_document_id(document_id)
        table = self.catalog.by_number.get(table_number)
        if table is not None:
            self.reads.add_point(table.by_id, internal_id)
            pending = self.writes.get(table_number, internal_id)
            if pending is not None:
                if pending.after is not None:
                    return pending.with_after(None), pending.after
            elif (packed := self._fetch(table_number, internal_id)) is not None:
                document = self._read(packed)
                return PendingWrite(table, internal_id, document, packed), document
        raise DocumentNotFoundError(f"{verb} on nonexistent document ID {document_id}")

    def _write(
        self, write: PendingWrite, after: Document | None, changed: Mapping[str, Value]
    ) -> None:
        """Add a write that leaves ``after``. Fields other than ``changed`` were checked before."""
        if after is not None:
            check_document_fields(changed)
            write.after, write.after_packed = after, pack(after)
            if not is_surely_within(write.after_packed, DOCUMENT_SIZE_BYTES_MAX):
                check_document(after)
            self.bytes_written += len(write.after_packed)
        self.documents_written += 1
        if self.documents_written > DOCUMENTS_WRITTEN_MAX:
            raise TransactionLimitError(
                "TooManyWrites",
                f"Too many writes in a single function execution (limit: {DOCUMENTS_WRITTEN_MAX})",
            )
        if self.bytes_written > BYTES_WRITTEN_MAX:
            raise TransactionLimitError(
                "TooManyBytesWritten",
                "Too many bytes written in a single function execution (limit: "
                f"{BYTES_WRITTEN_MAX} bytes)",
            )
        self.writes.put(write)

    def _scan(
        self,
        table: TableEntry,
        index: IndexEntry,
        interval: Interval,
        rows_count: int,
        *,
        is_descending: bool,
    ) -> Scan:
        return Scan(
            snapshot=self.snapshot,
            writes=self.writes,
            table=table,
            index=index,
            interval=interval,
            is_descending=is_descending,
            rows_count=rows_count,
        )

    def _fetch_rows(
        self,
        table: TableEntry,
        index: IndexEntry,
        interval: Interval,
        wanted: int,
        overlay: Overlay,
        *,
        is_descending: bool,
    ) -> tuple[list[tuple[bytes, bytes | Document]], Interval]:
        """Return the next rows of a range, own writes merged in, and the rest of the range."""
        stored = self.snapshot.scan(table, index, interval, wanted, is_descending=is_descending)
        covered, rest = split(interval, stored, wanted, is_descending=is_descending)
        self.reads.add(index.id, covered)
        rows: list[tuple[bytes, bytes | Document]] = stored  # type: ignore[assignment]  # Read.
        if overlay.hidden:
            rows = [row for row in rows if key_internal_id(row[0]) not in overlay.hidden]
            rows += [pair for pair in overlay.added if pair[0] in covered]
            rows.sort(key=lambda pair: pair[0], reverse=is_descending)
        return rows, rest

    def _take(self, table: TableEntry, key: bytes, document: bytes | Document) -> Document:
        """Return a document that was fetched for somebody to see."""
        if isinstance(document, bytes):
            self._fetched[table.number, key_internal_id(key)] = document
            return self._read(document)
        return copy_of(document)

    def _take_stored(self, table: TableEntry, rows: list[tuple[bytes, bytes]]) -> list[Document]:
        """Do what ``_take`` does, for rows that are all from the file."""
        for key, packed in rows:
            self._fetched[table.number, key_internal_id(key)] = packed
        self._count_read(len(rows), sum([len(packed) for _, packed in rows]))
        return [unpack(packed) for _, packed in rows]  # type: ignore[misc]  # See ``_read``.

    def _table_for_insert(self, name: str) -> TableEntry:
        found = self.catalog.tables.get(name)
        if found is not None:
            return found
        if self._create_table is None:
            raise HeadRequiredError(f"only a transaction at the head can create table {name}")
        self.catalog = self._create_table(name)
        self.writes.table_names.append(name)
        return self.catalog.tables[name]

    def _fetch(self, table_number: int, internal_id: bytes) -> bytes | None:
        """Return a packed document of the snapshot, None if there is none."""
        key = (table_number, internal_id)
        found = self._fetched.get(key)
        if found is None:
            found = self._fetched[key] = self.snapshot.get(table_number, internal_id)
        return found

    def _read(self, packed: bytes) -> Document:
        self._count_read(1, len(packed))
        return unpack(packed)  # type: ignore[return-value]  # Documents are dictionaries.

    def _count_read(self, documents_count: int, size_bytes: int) -> None:
        self.documents_read += documents_count
        self.bytes_read += size_bytes
        if self.documents_read > DOCUMENTS_READ_MAX:
            raise TransactionLimitError(
                "TooManyDocumentsRead",
                "Too many documents read in a single function execution (limit: "
                f"{DOCUMENTS_READ_MAX}). {_READ_ADVICE}",
            )
        if self.bytes_read > BYTES_READ_MAX:
            raise TransactionLimitError(
                "TooManyBytesRead",
                "Too many bytes read in a single function execution (limit: "
                f"{BYTES_READ_MAX} bytes). {_READ_ADVICE}",
            )
