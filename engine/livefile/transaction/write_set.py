"""What a transaction will write: one pending image for each document, until the commit.

Reads inside the transaction see it, in index order. A sub-transaction that fails is taken back
to the mark where it began.

Not here: the transaction's rules (``transaction/transaction.py``); applying (``committer.py``).
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from livefile.model.index_key import MISSING, fields_key, key_end
from livefile.model.index_range import BY_ID
from livefile.model.interval import Interval
from livefile.model.value import Value
from livefile.model.value_packed import pack
from livefile.model.write import DocumentWrite
from livefile.sqlite.catalog import IndexEntry, TableEntry

Document = dict[str, Value]


@dataclass(slots=True, eq=False)
class PendingWrite:
    """The change of one document. ``before`` is as the snapshot has it, ``after`` as pending.

    Once it is in the write set, it is never changed: another one takes its place.
    """

    table: TableEntry
    internal_id: bytes
    before: Document | None
    before_packed: bytes | None
    after: Document | None = None
    after_packed: bytes | None = None
    """The stored form of ``after``, made at the commit unless it is there already."""
    _keys: dict[int, bytes] | None = None
    _end: bytes | None = None

    def key(self, index: IndexEntry) -> bytes:
        """Return the key of the pending image in one index."""
        keys = self._keys
        if keys is None:
            keys = self._keys = {}
        found = keys.get(index.id)
        if found is None:
            assert self.after is not None
            if index.name == BY_ID:
                found = self.internal_id
            else:
                found = fields_key(index.complete(self.after), index.paths) + self._key_end()
            keys[index.id] = found
        return found

    def keys(self, index: IndexEntry) -> tuple[bytes | None, bytes | None]:
        """Return the keys of the images before and after in one index, None for no image."""
        before, after = self.before, self.after
        key_after = None if after is None else self.key(index)
        if before is None:
            return None, key_after
        if after is not None:
            for path in index.paths:
                # A field that is missing has another key than one that is None.
                if before.get(path[0], MISSING) is not after.get(path[0], MISSING):
                    break
            else:  # The fields were not written: a patch keeps the others.
                return key_after, key_after
        key_before = fields_key(index.complete(before), index.paths) + self._key_end()
        return key_before, key_after

    def _key_end(self) -> bytes:
        """Return what all its index keys end with: no write changes the creation time."""
        if self._end is None:
            document = self.before if self.after is None else self.after
            assert document is not None
            self._end = key_end(document["_creationTime"], self.internal_id)
        return self._end

    def with_after(self, after: Document | None) -> "PendingWrite":
        """Return the same write with another pending image."""
        return PendingWrite(
            table=self.table,
            internal_id=self.internal_id,
            before=self.before,
            before_packed=self.before_packed,
            after=after,
        )

    def packed(self) -> DocumentWrite:
        """Return the write as the commit log has it."""
        if self.after_packed is None and self.after is not None:
            self.after_packed = pack(self.after)
        return DocumentWrite(
            table_number=self.table.number,
            internal_id=self.internal_id,
            before=self.before_packed,
            after=self.after_packed,
        )


@dataclass(frozen=True, slots=True)
class Overlay:
    """What pending writes change in a range of an index.

    ``added`` are their (key, document) pairs inside the range, in no order; ``hidden`` are the
    internal ids of all documents of the table that are written, whose stored rows do not count.
    """

    added: Sequence[tuple[bytes, Document]]
    hidden: Set[bytes]


_NO_OVERLAY = Overlay(added=(), hidden=frozenset())


class WriteSet:
    """The pending writes of a transaction, in the order of the first write of each document."""

    __slots__ = ("_by_table", "_chunks", "_undo", "roll_backs_count", "table_names")

    def __init__(self) -> None:
        self._by_table: dict[int, dict[bytes, PendingWrite]] = {}
        self._undo: list[tuple[int, bytes, PendingWrite | None]] = []
        self._chunks: dict[bytes, tuple[int, Sequence[bytes]]] = {}
        self.table_names: list[str] = []
        """Names of tables that came into being with this transaction."""
        self.roll_backs_count = 0
        """How often something was taken back: what ``written_since`` says begins anew then."""

    def put(self, write: PendingWrite) -> None:
        """Add a write, or replace the pending one of the same document."""
        table_number, internal_id = write.table.number, write.internal_id
        writes = self._by_table.get(table_number)
        if writes is None:
            writes = self._by_table[table_number] = {}
        self._undo.append((table_number, internal_id, writes.get(internal_id)))
        writes[internal_id] = write

    def add(self, table: TableEntry, internal_id: bytes, document: Document) -> None:
        """Add a new document as it is, with the id and the creation time that it has."""
        self.put(PendingWrite(table, internal_id, None, None, document))

    def get(self, table_number: int, internal_id: bytes) -> PendingWrite | None:
        """Return the pending write of a document, None if it has none."""
        writes = self._by_table.get(table_number)
        return None if writes is None else writes.get(internal_id)

    def add_chunks(self, table_number: int, blob_id: bytes, chunks: Sequence[bytes]) -> None:
        """Add the bytes of a blob, which belong to the new document ``blob_id`` of a table."""
        self._chunks[blob_id] = (table_number, chunks)

    def chunks_of(self, blob_id: bytes) -> Sequence[bytes] | None:
        """Return the chunks of a blob, None if it is none of this transaction."""
        found = self._chunks.get(blob_id)
        return None if found is None else found[1]

    def blobs(self) -> Iterator[tuple[bytes, Sequence[bytes]]]:
        """Yield the blobs with their chunks, without those whose documents were taken back."""
        for blob_id, (table_number, chunks) in self._chunks.items():
            if self.get(table_number, blob_id) is not None:
                yield blob_id, chunks

    @property
    def table_numbers(self) -> Iterable[int]:
        """The numbers of the tables that have pending writes."""
        return self._by_table

    def of_table(self, table_number: int) -> Iterable[PendingWrite]:
        """Return the pending writes of a table, also those that change nothing."""
        return self._by_table.get(table_number, {}).values()

    def overlay(self, table: TableEntry, index: IndexEntry, interval: Interval) -> "Overlay":
        """Return what the pending writes change in a range of an index."""
        writes = self._by_table.get(table.number)
        if not writes:
            return _NO_OVERLAY
        inside = [
            (key, write.after)
            for write in writes.values()
            if write.after is not None and (key := write.key(index)) in interval
        ]
        return Overlay(added=inside, hidden=writes.keys())

    def mark(self) -> int:
        """Return a mark for ``roll_back``."""
        return len(self._undo)

    def written_since(self, mark: int, table_number: int) -> list[bytes]:
        """Return the internal ids of a table's documents written since ``mark``, with doubles."""
        return [key for number, key, _ in self._undo[mark:] if number == table_number]

    def roll_back(self, mark: int) -> None:
        """Take back every write since ``mark``."""
        self.roll_backs_count += 1
        while len(self._undo) > mark:
            table_number, internal_id, before = self._undo.pop()
            if before is None:
                del self._by_table[table_number][internal_id]
            else:
                self._by_table[table_number][internal_id] = before

    def __iter__(self) -> Iterator[PendingWrite]:
        """Yield the writes that change something."""
        for writes in self._by_table.values():
            for write in writes.values():
                if write.before is not write.after:
                    yield write

    def __bool__(self) -> bool:
        for _ in self:
            return True
        return bool(self.table_names)
