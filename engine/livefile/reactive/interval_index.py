"""Which readers' intervals contain this key?

A commit names a few keys, and thousands of live queries have read thousands of intervals: looking
at each would make every write pay for every subscriber. Points are found by a dictionary. Ranges
hang in a treap, a randomly balanced search tree, ordered by their start; each node knows the
highest end below it, so a search skips every branch that ends too early and visits only what is on
the way to the key or to a hit. That is O(log n + hits) when the hits lie beside each other, as
they do unless long ranges are strewn among thousands of short ones; a hit that lies alone costs
O(log n).

Not here: who the readers are (``reactive/subscriptions.py``).
"""

from collections.abc import Iterable, Set
from random import Random
from typing import Any, Generic, TypeVar

from livefile.model.interval import Interval
from livefile.model.write import IndexWrites

Reader = TypeVar("Reader")

_NOBODY: dict[Any, None] = {}  # Any: of readers of whatever kind there are none in it.


class _Node(Generic[Reader]):
    """One interval with all its readers, and the tree below it."""

    __slots__ = ("end", "end_max", "left", "priority", "readers", "right", "start")

    def __init__(self, start: bytes, end: bytes, priority: float) -> None:
        self.start = start
        self.end = end
        self.end_max = end
        self.priority = priority
        self.readers: dict[Reader, None] = {}
        self.left: _Node[Reader] | None = None
        self.right: _Node[Reader] | None = None

    def refresh(self) -> None:
        end_max, left, right = self.end, self.left, self.right
        if left is not None and left.end_max > end_max:
            end_max = left.end_max
        if right is not None and right.end_max > end_max:
            end_max = right.end_max
        self.end_max = end_max


class IntervalIndex(Generic[Reader]):
    """Readers by the intervals that they read. One thread at a time.

    Readers are kept in dictionaries, never in sets, and found in the order of the intervals: the
    order of a set of objects is that of their addresses, and no simulation could be repeated.
    """

    def __init__(self) -> None:
        self._points: dict[tuple[int, bytes], dict[Reader, None]] = {}
        self._roots: dict[int, _Node[Reader] | None] = {}
        # The shape of the tree does not show: what is found comes in the order of the intervals.
        self._random = Random(0)

    def add(self, reader: Reader, reads: Iterable[tuple[int, Interval]]) -> None:
        """Add a reader under everything it read."""
        for index_id, interval in reads:
            if interval.start >= interval.end:
                continue
            if interval.end == interval.start + b"\x00":
                self._points.setdefault((index_id, interval.start), {})[reader] = None
            else:
                root = self._roots.get(index_id)
                self._roots[index_id] = self._insert(root, interval, reader)

    def remove(self, reader: Reader, reads: Iterable[tuple[int, Interval]]) -> None:
        """Remove a reader; ``reads`` is what it was added under."""
        for index_id, interval in reads:
            if interval.start >= interval.end:
                continue
            if interval.end == interval.start + b"\x00":
                readers = self._points[index_id, interval.start]
                del readers[reader]
                if not readers:
                    del self._points[index_id, interval.start]
            else:
                self._roots[index_id] = _remove(self._roots[index_id], interval, reader)

    def touched_by(self, writes: IndexWrites) -> Set[Reader]:
        """Return the readers that read any of the keys that a commit wrote.

        They come in the order of the keys, for each key those of the point first, then those of
        the ranges in order, and those of one range in the order in which they were added.
        """
        found: dict[Reader, None] = {}
        for index_id, keys in writes.items():
            root = self._roots.get(index_id)
            for key in keys:
                found.update(self._points.get((index_id, key), _NOBODY))
                _collect(root, key, found)
        return found.keys()

    def _insert(
        self, root: _Node[Reader] | None, interval: Interval, reader: Reader
    ) -> _Node[Reader]:
        """Add a reader and return the root, which may be a new one."""
        path, found = _find(root, interval)
        if found is not None:
            found.readers[reader] = None
            return path[0] if path else found
        top: _Node[Reader] = _Node(interval.start, interval.end, self._random.random())
        top.readers[reader] = None
        while path and path[-1].priority > top.priority:
            below = path.pop()
            if _is_before(interval, below):
                below.left, top.right = top.right, below
            else:
                below.right, top.left = top.left, below
            below.refresh()
        top.refresh()
        if not path:
            return top
        if _is_before(interval, path[-1]):
            path[-1].left = top
        else:
            path[-1].right = top
        for node in reversed(path):
            if node.end_max >= interval.end:
                break  # So do all above it.
            node.end_max = interval.end
        return path[0]


def _find(
    root: _Node[Reader] | None, interval: Interval
) -> tuple[list[_Node[Reader]], _Node[Reader] | None]:
    """Return the nodes on the way to an interval's node, and the node, None if there is none."""
    path: list[_Node[Reader]] = []
    start, end, node = interval.start, interval.end, root
    while node is not None:
        # ``_is_before`` written out: this is where the time goes.
        if start == node.start:
            if end == node.end:
                break
            is_before = end < node.end
        else:
            is_before = start < node.start
        path.append(node)
        node = node.left if is_before else node.right
    return path, node


def _is_before(interval: Interval, node: _Node[Reader]) -> bool:
    return (interval.start, interval.end) < (node.start, node.end)


def _remove(root: _Node[Reader] | None, interval: Interval, reader: Reader) -> _Node[Reader] | None:
    """Remove a reader and return the root, None if the tree is empty."""
    path, found = _find(root, interval)
    assert found is not None, "a reader is removed under what it was added under"
    del found.readers[reader]
    if found.readers:
        return root
    joined = _join(found.left, found.right)
    if not path:
        return joined
    if path[-1].left is found:
        path[-1].left = joined
    else:
        path[-1].right = joined
    for node in reversed(path):
        if node.end_max > interval.end:
            break  # What is gone did not count here, nor above.
        node.refresh()
    return root


def _join(left: _Node[Reader] | None, right: _Node[Reader] | None) -> _Node[Reader] | None:
    """Return one tree of two, all of ``left`` before all of ``right``."""
    if left is None or right is None:
        return left or right
    if left.priority < right.priority:
        left.right = _join(left.right, right)
        left.refresh()
        return left
    right.left = _join(left, right.left)
    right.refresh()
    return right


def _collect(node: _Node[Reader] | None, key: bytes, found: dict[Reader, None]) -> None:
    """Add the readers of every interval that contains ``key``, in the order of the intervals."""
    pending: list[_Node[Reader]] = []
    while True:
        while node is not None and node.end_max > key:
            if node.start <= key:
                pending.append(node)
            node = node.left
        if not pending:
            return
        node = pending.pop()
        if key < node.end:
            found.update(node.readers)
        node = node.right
