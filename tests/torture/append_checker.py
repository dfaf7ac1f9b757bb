"""A checker of list-append histories, after the ideas of Elle (Kingsbury and Alvaro, VLDB 2020).

Transactions append values, each of them once, to lists, and read lists whole. So a read tells its
whole past: which appends came before it and in which order. From that follow the edges of a
dependency graph, and some anomalies show without one.

A transaction whose answer never came may have happened or not: it counts as soon as somebody saw
something of it, and was never over.

Not here: cycles (``dependency_graph.py``); making histories (``list_append.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from tests.torture.dependency_graph import (
    READ_WRITE,
    WRITE_READ,
    WRITE_WRITE,
    DependencyGraph,
)

Version = Sequence[float]


@dataclass(frozen=True, slots=True)
class Read:
    """A list as it was read."""

    key: str
    values: Version


@dataclass(frozen=True, slots=True)
class Append:
    """A value that was put at the end of a list."""

    key: str
    value: float


class Status(Enum):
    """What the caller knows of a transaction."""

    COMMITTED = "committed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of a history, with its place in its session and in time."""

    session: str
    steps: Sequence[Read | Append]
    status: Status = Status.COMMITTED
    start: float = float("-inf")
    end: float = float("inf")


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that no serial order explains."""

    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


@dataclass(slots=True)
class _Observed:
    """What a transaction read of and wrote to one list, as others can see it."""

    read: list[float] | None = None
    appended: list[float] = field(default_factory=list)


class AppendChecker:
    """Checks one history; transactions of one session are in its order."""

    def __init__(self, history: Sequence[Transaction]) -> None:
        self._history = history
        self._writers: dict[tuple[str, float], int] = {}
        self._middle_appends: set[tuple[str, float]] = set()
        self._orders: dict[str, list[float]] = {}
        self._faults: dict[str, list[tuple[int, str, str]]] = {}
        self._observed: list[dict[str, _Observed]] = []
        self._anomalies: list[Anomaly] = []

    def check(self) -> list[Anomaly]:
        """Return the anomalies, none for a history that is strictly serialisable."""
        for number, transaction in enumerate(self._history):
            self._observe(number, transaction)
        self._find_orders()
        self._find_faults()
        for number, transaction in enumerate(self._history):
            if transaction.status is Status.COMMITTED:
                self._check_reads(number)
        graph = self._graph()
        self._anomalies += [Anomaly(cycle.name, str(cycle)) for cycle in graph.cycles()]
        return self._anomalies

    def _note(self, name: str, detail: str) -> None:
        self._anomalies.append(Anomaly(name, detail))

    def _observe(self, number: int, transaction: Transaction) -> None:
        observed: dict[str, _Observed] = {}
        for step in transaction.steps:
            seen = observed.setdefault(step.key, _Observed())
            if isinstance(step, Append):
                seen.appended.append(step.value)
                self._writers[step.key, step.value] = number
            else:
                self._observe_read(number, step, seen)
        for key, seen in observed.items():
            self._middle_appends.update((key, value) for value in seen.appended[:-1])
        self._observed.append(observed)

    def _observe_read(self, number: int, step: Read, seen: _Observed) -> None:
        """Check a read against the transaction's own steps before it."""
        own = len(seen.appended)
        values = list(step.values)
        outside = values[: len(values) - own] if own else values
        if own and values[len(outside) :] != seen.appended:
            self._note("internal", f"T{number} reads {step.key} without its own appends")
        elif seen.read is not None and seen.read != outside:
            self._note("internal", f"T{number} reads {step.key} twice, and it differs")
        elif seen.read is None:
            seen.read = outside

    def _find_orders(self) -> None:
        """The longest read of a list is its order; every other read must be a beginning of it."""
        latest_reads: dict[str, tuple[float, int]] = {}
        for number, observed in enumerate(self._observed):
            transaction = self._history[number]
            if transaction.status is not Status.COMMITTED:
                continue
            for key, seen in observed.items():
                if seen.read is not None:
                    if len(seen.read) >= len(self._orders.get(key, ())):
                        self._orders[key] = seen.read
                    moment = (transaction.start, number)
                    latest_reads[key] = max(latest_reads.get(key, moment), moment)
        for key, order in self._orders.items():
            if len(set(order)) < len(order):
                self._note("duplicate", f"{key} holds a value twice")
        for (key, value), number in self._writers.items():
            writer = self._history[number]
            if writer.status is Status.COMMITTED and key in self._orders:
                start, reader = latest_reads[key]
                if start > writer.end and value not in self._orders[key]:
                    detail = f"T{reader} reads {key} without {value}, which T{number} added"
                    self._note("lost", detail)

    def _check_reads(self, number: int) -> None:
        for key, seen in self._observed[number].items():
            values = seen.read
            if not values:
                continue
            order = self._orders[key]
            if values is not order and order[: len(values)] != values:
                self._note("incompatible-order", f"T{number} reads {key} in another order")
            for position, name, detail in self._faults.get(key, ()):
                if position < len(values):
                    self._note(name, f"T{number} reads {key}, {detail}")
            if (key, values[-1]) in self._middle_appends:
                writer = self._writers[key, values[-1]]
                if writer != number:
                    self._note("G1b", f"T{number} reads {key} in the middle of T{writer}")

    def _find_faults(self) -> None:
        """Note for each list what nobody may have read in it, with its position."""
        for key, order in self._orders.items():
            for position, value in enumerate(order):
                writer = self._writers.get((key, value))
                if writer is None:
                    fault = (position, "garbage", f"where nobody added {value}")
                elif self._history[writer].status is Status.FAILED:
                    fault = (position, "G1a", f"with {value} of T{writer}, which failed")
                else:
                    continue
                self._faults.setdefault(key, []).append(fault)

    def _graph(self) -> DependencyGraph:
        graph = DependencyGraph(len(self._history))
        followers: dict[str, list[int | None]] = {}
        for key, order in self._orders.items():
            writers = [self._writers.get((key, value)) for value in order]
            followers[key] = writers
            for source, target in pairwise(writers):
                if source is not None and target is not None:
                    graph.add(source, target, WRITE_WRITE)
        for number, observed in enumerate(self._observed):
            if self._history[number].status is Status.COMMITTED:
                for key, seen in observed.items():
                    if seen.read is not None:
                        _add_read(graph, number, len(seen.read), followers.get(key, []))
        sessions: dict[str, list[int]] = {}
        spans = []
        for number, transaction in enumerate(self._history):
            if transaction.status is Status.COMMITTED:
                sessions.setdefault(transaction.session, []).append(number)
                spans.append((number, transaction.start, transaction.end))
            elif transaction.status is Status.UNKNOWN:
                spans.append((number, transaction.start, float("inf")))
        for numbers in sessions.values():
            graph.add_session(numbers)
        graph.add_spans(spans)
        return graph


def _add_read(
    graph: DependencyGraph, reader: int, length: int, writers: Sequence[int | None]
) -> None:
    """Add what follows from having read the first ``length`` values of a list."""
    if length and length <= len(writers):
        writer = writers[length - 1]
        if writer is not None:
            graph.add(writer, reader, WRITE_READ)
    for writer in writers[length:]:
        if writer != reader:
            if writer is not None:
                graph.add(reader, writer, READ_WRITE)
            return


def check_appends(history: Iterable[Transaction]) -> list[Anomaly]:
    """Return the anomalies of a history."""
    return AppendChecker(list(history)).check()
