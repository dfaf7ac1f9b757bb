"""Half-open intervals of index keys, and sets of them.

An index key is the order-preserving byte string made by ``index_key.py``. A query reads one
interval; a transaction reads a set of them. Both conflict checks and invalidation ask the same
question, "is this key inside?", so the answer lives here once.

Not here: which index a key belongs to (``transaction/read_set.py``).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from livefile.model.index_key import END


# Not frozen, which would make each of the many that every read makes take twice the time.
@dataclass(slots=True, unsafe_hash=True)
class Interval:
    """All keys from ``start`` up to, but without, ``end``.

    It may be empty, with ``start`` at or above ``end``: a range such as gt(5).lt(5) is. It is
    shared, so nobody changes one.
    """

    start: bytes
    end: bytes

    @classmethod
    def point(cls, key: bytes) -> "Interval":
        """Return the interval that holds ``key`` alone."""
        return cls(key, key + b"\x00")

    @property
    def is_empty(self) -> bool:
        """Whether no key is inside."""
        return self.start >= self.end

    def __contains__(self, key: bytes) -> bool:
        return self.start <= key < self.end


EVERYTHING = Interval(b"", END)
"""The interval of all index keys."""


class IntervalSet:
    """A union of intervals, kept sorted, disjoint and non-adjacent.

    ``add`` is O(n) in the worst case, ``in`` is O(log n), n being the intervals kept. Iteration
    yields them in order; ``len`` is their number. One thread at a time.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[bytes] = []
        self._ends: list[bytes] = []

    def add(self, interval: Interval) -> None:
        """Add all keys of ``interval``; those that are there already change nothing."""
        if interval.start < interval.end:
            self._add(interval.start, interval.end)

    def __contains__(self, key: bytes) -> bool:
        position = bisect_right(self._starts, key) - 1
        return position >= 0 and key < self._ends[position]

    def __iter__(self) -> Iterator[Interval]:
        return map(Interval, self._starts, self._ends)

    def __len__(self) -> int:
        return len(self._starts)

    def _add(self, start: bytes, end: bytes) -> None:
        starts, ends = self._starts, self._ends
        # Those from ``first`` up to ``last`` touch the new one and melt into it.
        first = bisect_left(ends, start)
        if first == len(ends):
            starts.append(start)
            ends.append(end)
            return
        if starts[first] <= start and end <= ends[first]:
            return  # Read before, as most keys are that are read twice.
        last = bisect_right(starts, end, first)
        if first < last:
            start = min(start, starts[first])
            end = max(end, ends[last - 1])
        starts[first:last] = [start]
        ends[first:last] = [end]
