"""Who must come before whom: a graph of transactions, and the cycles in it by Adya's names.

A history is serialisable exactly if its transactions can be put in one order that explains all
that was read. Each observation adds an edge "before"; a cycle is a proof that there is no order.

Real time would need an edge for every two transactions of which one ended before the other began.
Instead a chain of points in time is woven in: a transaction leads to the point at which it ended,
and is led to by the last point before it began. So there are three edges for each.

Not here: what a read proves (``append_checker.py``, ``range_checker.py``).
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

WRITE_WRITE, WRITE_READ, READ_WRITE, SESSION, REAL_TIME = 1, 2, 4, 8, 16

_LETTERS = {WRITE_WRITE: "ww", WRITE_READ: "wr", READ_WRITE: "rw", SESSION: "so", REAL_TIME: "rt"}

# What a cycle may be made of, from the worst anomaly to the mildest; the first that fits names it.
_SUFFIXES = (("", 0), ("-session", SESSION), ("-realtime", SESSION | REAL_TIME))


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle: ``nodes`` in order, and the kinds of the edges between them."""

    name: str
    nodes: tuple[int, ...]
    kinds: tuple[int, ...]

    def __str__(self) -> str:
        steps = [
            f"T{node} -{'+'.join(word for bit, word in _LETTERS.items() if kind & bit)}->"
            for node, kind in zip(self.nodes, self.kinds, strict=True)
        ]
        return f"{self.name}: {' '.join(steps)} T{self.nodes[0]}"


class DependencyGraph:
    """Transactions by their number, 0 up to ``count``. Points in time get the numbers above."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._edges: list[dict[int, int]] = [{} for _ in range(count)]

    def add(self, source: int, target: int, kind: int) -> None:
        """Say that ``source`` comes before ``target``; a transaction is not before itself."""
        if source != target:
            edges = self._edges[source]
            edges[target] = edges.get(target, 0) | kind

    def add_session(self, nodes: Sequence[int]) -> None:
        """Say that these come one after the other."""
        for source, target in pairwise(nodes):
            self.add(source, target, SESSION)

    def add_spans(self, spans: Iterable[tuple[int, float, float]]) -> None:
        """Take (node, start, end): one that ended before another began comes before it.

        A start of -inf or an end of +inf says that nothing is known.
        """
        events = []
        for node, start, end in spans:
            events.append((start, 0, node))  # At one moment, starts are first: they overlap.
            events.append((end, 1, node))
        events.sort()
        point = -1
        is_ending = False
        for time, is_end, node in events:
            if not is_end:
                is_ending = False
                if point >= 0:
                    self.add(point, node, REAL_TIME)
                continue
            if time == float("inf"):
                break
            if not is_ending:
                self._edges.append({})
                if point >= 0:
                    self.add(point, len(self._edges) - 1, REAL_TIME)
                point = len(self._edges) - 1
                is_ending = True
            self.add(node, point, REAL_TIME)

    def cycles(self) -> list[Cycle]:
        """Return one cycle, of the worst kind there is, for each knot of transactions."""
        return [self._name(set(knot)) for knot in self._knots(~0, range(len(self._edges)))]

    # --- Inside ----------------------------------------------------------------------------

    def _name(self, knot: set[int]) -> Cycle:
        for suffix, extra in _SUFFIXES:
            for name, kinds in (("G0", WRITE_WRITE), ("G1c", WRITE_WRITE | WRITE_READ)):
                for inner in self._knots(kinds | extra, knot):
                    return self._around(name + suffix, kinds | extra, set(inner))
            single = self._single_anti_dependency(knot, extra)
            if single is not None:
                return self._cycle(f"G-single{suffix}", single)
            for inner in self._knots(WRITE_WRITE | WRITE_READ | READ_WRITE | extra, knot):
                return self._around(
                    f"G2{suffix}", WRITE_WRITE | WRITE_READ | READ_WRITE | extra, set(inner)
                )
        raise AssertionError("a knot has a cycle")

    def _around(self, name: str, kinds: int, knot: set[int]) -> Cycle:
        """Return a shortest cycle through the first transaction of a knot."""
        first = min(knot)
        paths = [
            path
            for target, kind in self._edges[first].items()
            if target in knot and kind & kinds
            if (path := self._path(target, first, kinds, knot)) is not None
        ]
        return self._cycle(name, [first, *min(paths, key=len)[:-1]])

    def _single_anti_dependency(self, knot: set[int], extra: int) -> list[int] | None:
        """Return a cycle with one read-write edge, None if there is none."""
        others = WRITE_WRITE | WRITE_READ | extra
        for source in sorted(knot):
            for target, kind in self._edges[source].items():
                if kind & READ_WRITE and target in knot:
                    path = self._path(target, source, others, knot)
                    if path is not None:
                        return [source, *path[:-1]]
        return None

    def _path(self, start: int, goal: int, kinds: int, inside: set[int]) -> list[int] | None:
        """Return the nodes of a shortest path, both ends included."""
        came_from = {start: start}
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            if node == goal:
                path = [node]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            for target, kind in self._edges[node].items():
                if kind & kinds and target in inside and target not in came_from:
                    came_from[target] = node
                    waiting.append(target)
        return None

    def _cycle(self, name: str, nodes: Sequence[int]) -> Cycle:
        """Return a cycle with the points in time left out."""
        shown: list[int] = []
        kinds: list[int] = []
        for node, target in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            if node < self._count:
                shown.append(node)
                kinds.append(self._edges[node][target])
        return Cycle(name=name, nodes=tuple(shown), kinds=tuple(kinds))

    def _knots(self, kinds: int, nodes: Iterable[int]) -> list[list[int]]:
        """Return the strongly connected components of more than one node (Tarjan, no recursion)."""
        inside = nodes if isinstance(nodes, set | range) else set(nodes)
        numbers: dict[int, int] = {}
        lows: dict[int, int] = {}
        stack: list[int] = []
        on_stack: set[int] = set()
        knots = []
        for root in inside:
            if root in numbers:
                continue
            numbers[root] = lows[root] = len(numbers)
            stack.append(root)
            on_stack.add(root)
            work = [(root, iter(self._edges[root].items()))]
            while work:
                node, edges = work[-1]
                for target, kind in edges:
                    if not kind & kinds or target not in inside:
                        continue
                    if target not in numbers:
                        numbers[target] = lows[target] = len(numbers)
                        stack.append(target)
                        on_stack.add(target)
                        work.append((target, iter(self._edges[target].items())))
                        break
                    if target in on_stack and numbers[target] < lows[node]:
                        lows[node] = numbers[target]
                else:
                    work.pop()
                    if work and lows[node] < lows[work[-1][0]]:
                        lows[work[-1][0]] = lows[node]
                    if lows[node] == numbers[node]:
                        knot = [stack.pop()]
                        while knot[-1] != node:
                            knot.append(stack.pop())
                        on_stack.difference_update(knot)
                        if len(knot) > 1:
                            knots.append(knot)
        return knots
