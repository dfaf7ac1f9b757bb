"""A checker of histories in which ranges are read while things come, move and go in them.

Every thing has versions: 0 before it was put, then one more with each deed, each at a place or,
the last one, at none. A read that shows a thing proves its version. A read that does not show it
proves just as much: it came before the deed that brought the thing into the range, or after the
one that took it out. That is how phantoms are seen, which a checker of single keys cannot see.

Where a thing left the range and came back, its absence may have several reasons; those that real
time excludes do not count, and if more than one is left, nothing follows.

Not here: cycles (``dependency_graph.py``); making histories (``phantoms.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.torture.append_checker import Anomaly
from tests.torture.dependency_graph import (
    READ_WRITE,
    WRITE_READ,
    WRITE_WRITE,
    DependencyGraph,
)


@dataclass(frozen=True, slots=True)
class Sight:
    """A thing as it was read: its version and its place."""

    name: str
    version: int
    place: float


@dataclass(frozen=True, slots=True)
class RangeRead:
    """All that was seen on a line from ``low`` to ``high``, both included."""

    line: str
    low: float
    high: float
    sights: Sequence[Sight]


@dataclass(frozen=True, slots=True)
class Deed:
    """A thing got a version: at a place, or None when it is gone."""

    line: str
    name: str
    version: int
    place: float | None


@dataclass(frozen=True, slots=True)
class RangeTransaction:
    """A transaction that was committed. Its deeds came after its reads."""

    session: str
    reads: Sequence[RangeRead]
    deeds: Sequence[Deed] = ()
    start: float = float("-inf")
    end: float = float("inf")


@dataclass(slots=True)
class _Life:
    """One thing: who made each version, from 1, and the place that it has in it, from 0."""

    writers: list[int]
    places: list[float | None]


class RangeChecker:
    """Checks one history; transactions of one session are in its order."""

    def __init__(self, history: Sequence[RangeTransaction]) -> None:
        self._history = history
        self._lives: dict[str, _Life] = {}
        self._names: dict[str, list[str]] = {}
        self._graph = DependencyGraph(len(history))
        self._anomalies: list[Anomaly] = []

    def check(self) -> list[Anomaly]:
        """Return the anomalies, none for a history that is strictly serialisable."""
        self._find_lives()
        for number, transaction in enumerate(self._history):
            for read in transaction.reads:
                self._take_read(number, read)
        sessions: dict[str, list[int]] = {}
        for number, transaction in enumerate(self._history):
            sessions.setdefault(transaction.session, []).append(number)
        for numbers in sessions.values():
            self._graph.add_session(numbers)
        self._graph.add_spans(
            (number, one.start, one.end) for number, one in enumerate(self._history)
        )
        return self._anomalies + [Anomaly(cycle.name, str(cycle)) for cycle in self._graph.cycles()]

    def _note(self, name: str, detail: str) -> None:
        self._anomalies.append(Anomaly(name, detail))

    def _find_lives(self) -> None:
        deeds = [
            (deed.version, number, deed)
            for number, transaction in enumerate(self._history)
            for deed in transaction.deeds
        ]
        for version, number, deed in sorted(deeds, key=lambda entry: entry[:2]):
            life = self._lives.get(deed.name)
            if life is None:
                life = self._lives[deed.name] = _Life(writers=[], places=[None])
                self._names.setdefault(deed.line, []).append(deed.name)
            if version == len(life.places):
                if life.writers:
                    self._graph.add(life.writers[-1], number, WRITE_WRITE)
                life.writers.append(number)
                life.places.append(deed.place)
            elif version == len(life.places) - 1:
                detail = f"T{life.writers[-1]} and T{number} both made version {version}"
                self._note("lost-update", f"{detail} of {deed.name}")
            else:
                self._note("garbage", f"T{number} made version {version} of {deed.name}")

    def _take_read(self, number: int, read: RangeRead) -> None:
        seen = {sight.name for sight in read.sights}
        if len(seen) < len(read.sights):
            self._note("duplicate", f"T{number} sees a thing twice: {read}")
        for sight in read.sights:
            self._take_sight(number, read, sight)
        for name in self._names.get(read.line, ()):
            if name not in seen:
                self._take_absence(number, read, name)

    def _take_sight(self, number: int, read: RangeRead, sight: Sight) -> None:
        life = self._lives.get(sight.name)
        if life is None or not 0 < sight.version < len(life.places):
            self._note("garbage", f"T{number} sees {sight}, which nobody made")
            return
        is_there = life.places[sight.version] == sight.place
        if not is_there or not read.low <= sight.place <= read.high:
            self._note("misplaced", f"T{number} sees {sight} from {read.low} to {read.high}")
        self._between(number, life, sight.version, sight.version)

    def _take_absence(self, number: int, read: RangeRead, name: str) -> None:
        life = self._lives[name]
        if all(place is None or not read.low <= place <= read.high for place in life.places):
            return
        possible = [
            version
            for version, place in enumerate(life.places)
            if (place is None or not read.low <= place <= read.high)
            and self._may_see(number, life, version)
        ]
        if not possible:
            self._note("missed", f"T{number} does not see {name} from {read.low} to {read.high}")
        elif possible[-1] - possible[0] + 1 == len(possible):
            self._between(number, life, possible[0], possible[-1])

    def _may_see(self, number: int, life: _Life, version: int) -> bool:
        """Tell whether real time allows a transaction to read this version."""
        reader = self._history[number]
        if version:
            writer = life.writers[version - 1]
            if self._history[writer].start > reader.end or number in life.writers[:version]:
                return False
        if version < len(life.writers):
            return not self._history[life.writers[version]].end < reader.start
        return True

    def _between(self, number: int, life: _Life, first: int, last: int) -> None:
        """Say that a transaction read one of these versions."""
        if first:
            self._graph.add(life.writers[first - 1], number, WRITE_READ)
        if last < len(life.writers):
            self._graph.add(number, life.writers[last], READ_WRITE)


def check_ranges(history: Sequence[RangeTransaction]) -> list[Anomaly]:
    """Return the anomalies of a history."""
    return RangeChecker(history).check()
