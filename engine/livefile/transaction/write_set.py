"""What a transaction will write: one pending image for each document, until the commit.

Reads inside the transaction see it, in index order. A sub-transaction that fails is taken back
to the mark where it began.

Not here: the transaction's rules (``transaction/transaction.py``); applying (``committer.py``).
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

from livefile.model.index_key import MISSING, fields_key, key_end
from livefile.model.interval import Interval
from livefile.model.value import Value
from livefile.model.value_packed import pack
from livefile.model.write import DocumentWrite
from livefile.sqlite.catalog import IndexEntry, TableEntry

Document = dict[str, Value]


@dataclass(slots=True, eq=False)
class PendingWrite:
    """The change of one document. ``before`` is as the snapshot has it, ``after`` as pending."""

    table: TableEntry
    internal_id: bytes
    before: Document | None
    before_packed: bytes | None
    after: Document | None
    _keys: dict[int, bytes] = field(default_factory=dict)
    _end: bytes | None = None

    def key(self, index: IndexEntry) -> bytes:
        """Return the key of the pending image in one index."""
        assert self.after is not None
        found = self._keys.get(index.id)
        if found is None:
            found = fields_key(self.after, index.paths) + self._key_end
            self._keys[index.id] = found
        return found

    def keys(self, index: IndexEntry) -> tuple[bytes | None, bytes | None]:
        """Return the keys of the images before and after in one index, None for no image."""
        key_after = None if self.after is None else self.key(index)
        if self.before is None:
            return None, key_after
        if self.after is not None and self._is_unmoved(index):
            return key_after, key_after
        return fields_key(self.before, index.paths) + self._key_end, key_after

    @property
    def _key_end(self) -> bytes:
        """What all its index keys end with: no write changes the creation time."""
        if self._end is None:
            document = self.before if self.after is None else self.after
            assert document is not None
            self._end = key_end(document["_creationTime"], self.internal_id)
        return self._end

    def _is_unmoved(self, index: IndexEntry) -> bool:
        """Tell whether the write did not touch the index's fields; a patch keeps the others."""
        before, after = self.before, self.after
        assert before is not None
        assert after is not None
        # A field that is missing has another key than one that is None.
        return all(
            before.get(path[0], MISSING) is after.get(path[0], MISSING) for path in index.paths
        )

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
        return DocumentWrite(
            table_number=self.table.number,
            internal_id=self.internal_id,
            before=self.before_packed,
            after=None if self.after is None else pack(self.after),
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

    __slots__ = ("_by_table", "_undo", "table_names")

    def __init__(self) -> None:
        self._by_table: dict[int, dict[bytes, PendingWrite]] = {}
        self._undo: list[tuple[int, bytes, PendingWrite | None]] = []
        self.table_names: list[str] = []
        """Names of tables that came into being with this transaction."""

    def put(self, write: PendingWrite) -> None:
        """Add a write, or replace the pending one of the same document."""
        writes = self._by_table.setdefault(write.table.number, {})
        key = write.internal_id
        self._undo.append((write.table.number, key, writes.get(key)))
        writes[key] = write

    def get(self, table_number: int, internal_id: bytes) -> PendingWrite | None:
        """Return the pending write of a document, None if it has none."""
        writes = self._by_table.get(table_number)
        return None if writes is None else writes.get(internal_id)

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

    def roll_back(self, mark: int) -> None:
        """Take back every write since ``mark``."""
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
        return bool(self.table_names) or any(True for _ in self)
