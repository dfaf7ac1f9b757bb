"""Counts and sums of stretches of an index, so that a range is counted without reading it.

The entries of an index are cut into blocks of neighbours, the blocks into blocks of blocks, and so
on up to one root: a tree with up to ``SUMMARY_CHILDREN_MAX`` children below each block. A block
knows where it begins; it ends where the next of its level begins. A range's count is the difference
of two positions, and each costs a short scan a level: O(log n).

Blocks are split when they have too many children, and go when nothing is in them any more, unless
one above begins at the same key.

Not here: writes that are still pending (``transaction/totals.py``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import apsw

from livefile.model.exact_sum import NOTHING, ExactSum
from livefile.model.index_key import END
from livefile.model.index_spec import Summary
from livefile.model.interval import Interval
from livefile.model.key_number import key_number
from livefile.sqlite.readers import read_failure
from livefile.vocabulary.limits import SUMMARY_CHILDREN_MAX

_PUT = """
INSERT INTO summaries (index_id, level, start, count, children, sum) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (index_id, level, start)
DO UPDATE SET count = excluded.count, children = excluded.children, sum = excluded.sum
"""
_TOP = "SELECT level FROM summaries WHERE index_id = ? ORDER BY level DESC LIMIT 1"
_AT = """
SELECT level, start, count, children, sum FROM summaries
WHERE index_id = ? AND level = ? AND start <= ? ORDER BY start DESC LIMIT 1
"""
_NEXT = "SELECT min(start) FROM summaries WHERE index_id = ? AND level = ? AND start > ?"
_BETWEEN = """
SELECT level, start, count, children, sum FROM summaries
WHERE index_id = ? AND level = ? AND start >= ? AND start < ? ORDER BY start
"""
_BEGINS = "SELECT 1 FROM summaries WHERE index_id = ? AND level = ? AND start = ?"
_REMOVE_UP_TO = "DELETE FROM summaries WHERE index_id = ? AND level <= ? AND start = ?"
_KEYS = "SELECT key FROM index_entries WHERE index_id = ? AND key >= ? AND key < ? ORDER BY key"
_COUNT_KEYS = "SELECT count(*) FROM index_entries WHERE index_id = ? AND key >= ? AND key < ?"


@dataclass(frozen=True, slots=True)
class Totals:
    """What is known of some entries. ``sum`` is 0 where the index has no sums."""

    count: int = 0
    sum: ExactSum = NOTHING

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(self.count + other.count, self.sum + other.sum)

    def __neg__(self) -> "Totals":
        return Totals(-self.count, -self.sum)


@dataclass(slots=True)
class _Block:
    level: int
    start: bytes
    totals: Totals
    children: int


class SummarizedIndex:
    """The summary of one index, through one connection."""

    def __init__(
        self, connection: apsw.Connection, index_id: int, summary: Summary, fields_count: int
    ) -> None:
        """Take the index. The last of its fields is the one that is summed, if any."""
        self._connection = connection
        self._index_id = index_id
        self._summed_position = fields_count - 1 if summary is Summary.SUM else None

    def create(self) -> None:
        """Make the summary of an index without entries."""
        self._put(_Block(1, b"", Totals(), 0))

    # --- Reading ----------------------------------------------------------------------------

    def totals(self, interval: Interval) -> Totals:
        """Return the totals of the stored entries in an interval."""
        if interval.start >= interval.end:
            return Totals()
        try:
            if interval.start == b"" and interval.end >= END:
                return self._block_at(self._top_level(), b"").totals
            return self._below(interval.end) + -self._below(interval.start)
        except apsw.Error as error:
            raise read_failure(error) from error

    def key_totals(self, keys: Sequence[bytes]) -> Totals:
        """Return the totals of entries with these keys."""
        if self._summed_position is None:
            return Totals(len(keys))
        total = NOTHING
        for key in keys:
            number = key_number(key, self._summed_position)
            if number is not None:
                total += ExactSum.of(number)
        return Totals(len(keys), total)

    def _below(self, key: bytes) -> Totals:
        """Return the totals of all entries below ``key``."""
        found, low = Totals(), b""
        for level in range(self._top_level(), 0, -1):
            inside = self._block_at(level, key).start
            for block in self._blocks(level, low, inside):
                found += block.totals
            low = inside
        if self._summed_position is None:
            bindings = (self._index_id, low, key)
            return found + Totals(self._connection.execute(_COUNT_KEYS, bindings).get)
        return found + self.key_totals(self._keys(low, key))

    # --- Writing ----------------------------------------------------------------------------

    def add(self, keys: Sequence[bytes]) -> None:
        """Take in entries that were added, after ``remove``. ``keys`` are in order.

        What a commit adds and removes is in the index before: a split reads the entries.
        """
        done = 0
        while done < len(keys):
            end = self._next_start(1, keys[done])
            stop = done + 1
            while stop < len(keys) and keys[stop] < end:
                stop += 1
            added = keys[done:stop]
            self._change(keys[done], self.key_totals(added), len(added))
            self._split(self._block_at(1, keys[done]))
            done = stop

    def remove(self, keys: Sequence[bytes]) -> None:
        """Take out entries that were removed."""
        for key in keys:
            self._change(key, -self.key_totals([key]), -1)
            self._shrink(key)

    def _change(self, key: bytes, totals: Totals, entries_count: int) -> None:
        """Change every block that ``key`` lies in."""
        for level in range(1, self._top_level() + 1):
            block = self._block_at(level, key)
            block.totals += totals
            if level == 1:
                block.children += entries_count
            self._put(block)

    def _split(self, block: _Block) -> None:
        """Split a block that has too many children, and then maybe the one above it."""
        while block.children > SUMMARY_CHILDREN_MAX:
            parts = self._parts(block)
            for part in parts:
                self._put(part)
            if block.level == self._top_level():
                root = _Block(block.level + 1, b"", block.totals, len(parts))
            else:
                root = self._block_at(block.level + 1, block.start)
                root.children += len(parts) - 1
            self._put(root)
            block = root

    def _parts(self, block: _Block) -> list[_Block]:
        """Return the blocks that take the place of one, each half as full as may be."""
        size = SUMMARY_CHILDREN_MAX // 2
        end = self._next_start(block.level, block.start)
        parts = []
        if block.level == 1:
            keys = self._keys(block.start, end)
            for first in range(0, len(keys), size):
                start = keys[first] if first else block.start
                some = keys[first : first + size]
                parts.append(_Block(1, start, self.key_totals(some), len(some)))
            return parts
        children = list(self._blocks(block.level - 1, block.start, end))
        for first in range(0, len(children), size):
            inside = children[first : first + size]
            totals = sum((child.totals for child in inside), Totals())
            parts.append(_Block(block.level, inside[0].start, totals, len(inside)))
        return parts

    def _shrink(self, key: bytes) -> None:
        """Remove blocks around ``key`` that have become empty."""
        for level in range(1, self._top_level()):
            block = self._block_at(level, key)
            if block.totals.count or (level > 1 and block.children > 1):
                return
            bindings = (self._index_id, level + 1, block.start)
            if self._connection.execute(_BEGINS, bindings).get:
                continue  # The first one of its parent, which may be empty as well.
            self._connection.execute(_REMOVE_UP_TO, (self._index_id, level, block.start))
            parent = self._block_at(level + 1, key)
            parent.children -= 1
            self._put(parent)

    # --- Rows -------------------------------------------------------------------------------

    def _put(self, block: _Block) -> None:
        packed = None if self._summed_position is None else block.totals.sum.pack()
        self._connection.execute(
            _PUT,
            (
                self._index_id,
                block.level,
                block.start,
                block.totals.count,
                block.children,
                packed,
            ),
        )

    def _top_level(self) -> int:
        level: int = self._connection.execute(_TOP, (self._index_id,)).get
        return level

    def _block_at(self, level: int, key: bytes) -> _Block:
        """Return the block of a level in which ``key`` lies."""
        return _block(*self._connection.execute(_AT, (self._index_id, level, key)).get)

    def _next_start(self, level: int, key: bytes) -> bytes:
        found: bytes | None = self._connection.execute(_NEXT, (self._index_id, level, key)).get
        return END if found is None else found

    def _blocks(self, level: int, start: bytes, end: bytes) -> Iterator[_Block]:
        bindings = (self._index_id, level, start, end)
        for row in self._connection.execute(_BETWEEN, bindings).fetchall():
            yield _block(*row)  # type: ignore[arg-type]  # The columns' types.

    def _keys(self, start: bytes, end: bytes) -> list[bytes]:
        bindings = (self._index_id, start, end)
        return [key for (key,) in self._connection.execute(_KEYS, bindings)]

    # --- Checking ---------------------------------------------------------------------------

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the summary: texts for people. Reads all of it."""
        below: list[tuple[bytes, Totals]] = []
        for level in range(1, self._top_level() + 1):
            blocks = list(self._blocks(level, b"", END))
            if not blocks or blocks[0].start != b"":
                yield f"index {self._index_id}: level {level} of its summary has no first block"
                return
            ends = [block.start for block in blocks[1:]] + [END]
            for block, end in zip(blocks, ends, strict=True):
                if level == 1:
                    keys = self._keys(block.start, end)
                    wanted, children = self.key_totals(keys), len(keys)
                else:
                    inside = [totals for start, totals in below if block.start <= start < end]
                    wanted, children = sum(inside, Totals()), len(inside)
                if (block.totals, block.children) != (wanted, children):
                    yield (
                        f"index {self._index_id}: block {block.start.hex()} of level {level} of "
                        f"its summary has {block.totals} of {block.children} below it, want "
                        f"{wanted} of {children}"
                    )
            if any(former.start >= latter.start for former, latter in pairwise(blocks)):
                yield f"index {self._index_id}: level {level} of its summary is out of order"
            below = [(block.start, block.totals) for block in blocks]


def _block(level: int, start: bytes, count: int, children: int, packed: bytes | None) -> _Block:
    total = NOTHING if packed is None else ExactSum.unpack(packed)
    return _Block(level, start, Totals(count, total), children)
