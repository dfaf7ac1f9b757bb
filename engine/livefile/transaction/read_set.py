"""What a transaction read: intervals of index keys, by index.

Reading one document is reading one key of its table's ``by_id`` index, so everything that can be
read is an interval, and one question serves conflicts, subscriptions, the cache and the workers:
did this commit touch anything in here?

Not here: the intervals themselves (``model/interval.py``).
"""

from collections.abc import Iterator

from livefile.model.interval import Interval, IntervalSet
from livefile.model.write import IndexWrites
from livefile.vocabulary.errors import TransactionLimitError
from livefile.vocabulary.limits import INTERVALS_READ_MAX

# Table names are read here by transactions that look for a table that does not exist yet.
TABLE_NAMES_INDEX = 0


class ReadSet:
    """A union of intervals for each index that was read. One thread at a time.

    Single keys are kept apart, because most reads are of one document. Ranges are put together
    when somebody asks: of a mutation at the head, nobody does.
    """

    __slots__ = ("_added", "_intervals", "_points", "ranges_count")

    def __init__(self) -> None:
        self._points: dict[int, set[bytes]] = {}
        self._intervals: dict[int, IntervalSet] = {}
        self._added: list[tuple[int, Interval]] = []
        self.ranges_count = 0

    def add(self, index_id: int, interval: Interval) -> None:
        """Record that a range of an index was read.

        Raises:
            TransactionLimitError: too many ranges in one transaction.
        """
        self._added.append((index_id, interval))
        self.ranges_count += 1
        if self.ranges_count > INTERVALS_READ_MAX:
            raise TransactionLimitError(
                "TooManyReads",
                f"Too many reads in a single function execution (limit: {INTERVALS_READ_MAX}). "
                "Consider using smaller limits in your queries, paginating your queries, or using "
                "indexed queries with a selective index range expressions.",
            )

    def add_point(self, index_id: int, key: bytes) -> None:
        """Record that one key of an index was read. Documents have a limit of their own."""
        points = self._points.get(index_id)
        if points is None:
            points = self._points[index_id] = set()
        points.add(key)

    def is_touched_by(self, writes: IndexWrites) -> bool:
        """Return whether a commit with these writes changed something that was read."""
        if self._added:
            self._put_together()
        for index_id, points in self._points.items():
            keys = writes.get(index_id)
            if keys is not None and not points.isdisjoint(keys):
                return True
        for index_id, intervals in self._intervals.items():
            keys = writes.get(index_id)
            if keys is not None and any(key in intervals for key in keys):
                return True
        return False

    def __iter__(self) -> Iterator[tuple[int, Interval]]:
        """Yield every index id and interval; a point may lie inside another interval."""
        self._put_together()
        for index_id, keys in self._points.items():
            for key in keys:
                yield index_id, Interval.point(key)
        for index_id, intervals in self._intervals.items():
            for interval in intervals:
                yield index_id, interval

    def _put_together(self) -> None:
        for index_id, interval in self._added:
            intervals = self._intervals.get(index_id)
            if intervals is None:
                intervals = self._intervals[index_id] = IntervalSet()
            intervals.add(interval)
        self._added.clear()
