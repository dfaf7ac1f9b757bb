"""The rows of a range of an index, one after the other, own writes among them.

The stored rows come from the snapshot, some at a time, and never change. The own writes may change
between two rows, because the loop that reads may write: each row is the next one after the last,
as the transaction has it at that moment. So a document that was deleted meanwhile does not come,
one that was inserted or moved ahead of the position does.

Not here: what counts as read (``transaction.py``).
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from livefile.model.index_key import key_internal_id
from livefile.model.interval import Interval
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.transaction.snapshot import Snapshot
from livefile.transaction.write_set import Document, WriteSet

ScannedRow = tuple[bytes, bytes | Document]
"""An index key, and the document: packed if it is stored, else as it is pending."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A range of an index to be read. ``rows_count`` are fetched at a time."""

    snapshot: Snapshot
    writes: WriteSet
    table: TableEntry
    index: IndexEntry
    interval: Interval
    is_descending: bool
    rows_count: int

    def rows(self, fetched: Callable[[Interval], None]) -> Iterator[ScannedRow]:
        """Yield the rows; ``fetched`` hears which part of the range was looked at."""
        own = OwnRows(self.writes, self.table, self.index, self.interval)
        rest = self.interval
        while not rest.is_empty:
            stored = self.snapshot.scan(
                self.table, self.index, rest, self.rows_count, is_descending=self.is_descending
            )
            covered, rest = split(rest, stored, self.rows_count, is_descending=self.is_descending)
            fetched(covered)
            yield from self._merged(stored, own, covered)

    def up_to(self, part: Interval, key: bytes) -> Interval:
        """Return what comes of ``part`` up to ``key`` and with it."""
        if self.is_descending:
            return Interval(key, part.end)
        return Interval(part.start, key + b"\x00")

    def _merged(
        self, stored: Sequence[tuple[bytes, bytes]], own: "OwnRows", covered: Interval
    ) -> Iterator[ScannedRow]:
        """Yield the stored rows of a part of the range, and the own ones in the same part."""
        last: bytes | None = None
        mark = self.writes.mark
        for key, packed in stored:
            if mark() == 0:  # Nothing is pending, as in every query.
                yield key, packed
            else:
                for row in self._own_rows(own, self.up_to(self._after(covered, last), key)):
                    last = row[0]
                    yield row
                if last != key and not own.is_written(key):
                    yield key, packed
            last = key
        yield from self._own_rows(own, self._after(covered, last))

    def _own_rows(self, own: "OwnRows", part: Interval) -> Iterator[ScannedRow]:
        while (row := own.first(part, is_descending=self.is_descending)) is not None:
            yield row
            part = self._after(part, row[0])

    def _after(self, part: Interval, key: bytes | None) -> Interval:
        """Return what is still to come of ``part`` after ``key``, all of it after None."""
        if key is None:
            return part
        if self.is_descending:
            return Interval(part.start, key)
        return Interval(key + b"\x00", part.end)


class OwnRows:
    """The pending documents inside a range of an index, kept in step with the write set.

    ``first`` is O(log n) plus what was written since it was last asked.
    """

    def __init__(
        self, writes: WriteSet, table: TableEntry, index: IndexEntry, interval: Interval
    ) -> None:
        self._writes = writes
        self._table = table
        self._index = index
        self._interval = interval
        self._keys: list[bytes] = []
        self._key_by_id: dict[bytes, bytes] = {}
        # How far the write set was looked at, and how often it had been rolled back then.
        self._mark = 0
        self._roll_backs_count = 0

    def is_written(self, key: bytes) -> bool:
        """Return whether a stored row does not count, because its document is pending."""
        return self._writes.get(self._table.number, key_internal_id(key)) is not None

    def first(self, part: Interval, *, is_descending: bool) -> ScannedRow | None:
        """Return the first pending row of a part of the range, None if there is none."""
        self._catch_up()
        if is_descending:
            position = bisect_left(self._keys, part.end) - 1
        else:
            position = bisect_left(self._keys, part.start)
        if not 0 <= position < len(self._keys) or self._keys[position] not in part:
            return None
        key = self._keys[position]
        write = self._writes.get(self._table.number, key_internal_id(key))
        assert write is not None
        assert write.after is not None
        return key, write.after

    def _catch_up(self) -> None:
        """Take in what was written since the last time, or everything after a roll-back."""
        writes = self._writes
        if writes.roll_backs_count != self._roll_backs_count:
            self._keys.clear()
            self._key_by_id.clear()
            self._mark, self._roll_backs_count = 0, writes.roll_backs_count
        if writes.mark() == self._mark:
            return
        for internal_id in writes.written_since(self._mark, self._table.number):
            before = self._key_by_id.pop(internal_id, None)
            if before is not None:
                del self._keys[bisect_left(self._keys, before)]
            write = writes.get(self._table.number, internal_id)
            if write is not None and write.after is not None:
                key = write.key(self._index)
                if key in self._interval:
                    insort(self._keys, key)
                    self._key_by_id[internal_id] = key
        self._mark = writes.mark()


def split(
    interval: Interval, rows: Sequence[tuple[bytes, bytes]], wanted: int, *, is_descending: bool
) -> tuple[Interval, Interval]:
    """Divide an interval into what ``rows`` covered and what remains, both in scan order."""
    if len(rows) < wanted:
        return interval, Interval(interval.end, interval.end)
    last = rows[-1][0]
    if is_descending:
        return Interval(last, interval.end), Interval(interval.start, last)
    after = last + b"\x00"
    return Interval(interval.start, after), Interval(after, interval.end)
