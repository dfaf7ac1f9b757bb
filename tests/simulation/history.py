"""A random history: transactions on snapshots, interleaved with others at the head.

Everything that a transaction read is compared with the model twice: at its beginning, because a
snapshot does not change, and, if it was committed, at its place in the order of the commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import cast

from livefile import ConflictError
from livefile.functions.database import DatabaseWriter
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import HeadRequiredError
from tests.integrity import check_integrity
from tests.simulation.operations import Insert, Operation, ReadRange, Result, row_of
from tests.simulation.programs import INDEXES, UNDECLARED, Programmer
from tests.simulation.serial_model import Row, SerialModel
from tests.tables import Game, Player
from tests.workbench import Workbench

_ATTEMPTS_MAX = 4
_STEPS_MAX = 6
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class NestedBegin:
    """From here on a nested mutation runs."""


@dataclass(frozen=True, slots=True)
class NestedFailure:
    """The nested mutation failed; its writes are gone."""


@dataclass(frozen=True, slots=True)
class Step:
    """An operation and what the engine gave."""

    operation: Operation | NestedBegin | NestedFailure
    result: Result = None


class Attempt:
    """One transaction under way."""

    def __init__(
        self,
        bench: Workbench,
        transaction: Transaction,
        model: SerialModel,
        undeclared: Mapping[str, Sequence[str]],
    ) -> None:
        """Take what the model has at the beginning, and the ids known in undeclared tables."""
        self.transaction = transaction
        self.model_at_begin = model
        self.steps: list[Step] = []
        self.undeclared = {table: list(ids) for table, ids in undeclared.items()}
        self._db: DatabaseWriter = bench.writer(transaction)

    def take(self, operation: Operation) -> Result:
        result = operation.on_engine(self._db)
        self.steps.append(Step(operation, result))
        return result

    def replay(self, model: SerialModel) -> SerialModel:
        """Return the model after this transaction; what it read must be what the model has."""
        model = model.copy()
        outer = model
        for step in self.steps:
            match step.operation:
                case NestedBegin():
                    outer = model.copy()
                case NestedFailure():
                    model = outer
                case operation:
                    wanted = operation.on_model(model, step.result)
                    assert step.result == wanted, f"{operation}: {step.result}, want {wanted}"
        return model


class History:
    """One random history from a seed. ``run`` raises an AssertionError if the engine errs."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._bench = Workbench(Player, Game, seed=seed)
        self._head = SerialModel({})
        self._durable = self._head
        self._by_ts: dict[int, SerialModel] = {}
        self._not_durable: dict[int, SerialModel] = {}
        self._attempts: list[Attempt] = []
        self._programmer = Programmer(self._random, "")
        # Nobody hears of an id before it is published, and the id of a table that does not exist
        # in the snapshot leaves no trace in the read set.
        self._tables = self._tables_durable = {"players", "games"}
        self._undeclared_published: dict[str, list[str]] = {table: [] for table in UNDECLARED}
        self.commits_count = 0
        self.conflicts_count = 0

    def run(self, events: int = 200) -> None:
        with self._bench as bench:
            with bench.change() as db:
                first = db.insert(Player(name="Ada"))
                self._head.put("players", row_of(cast(Player, db.get(first))))
            self._by_ts[bench.published_ts] = self._head.copy()
            self._programmer = Programmer(self._random, first)
            for _ in range(events):
                self._event()
            for attempt in list(self._attempts):
                self._finish(attempt)
            self._settle()
            check_integrity(bench.database)
            tables = bench.database.catalog.tables.values()
            assert self._tables == {table.name for table in tables if not table.is_system}
            self._check_every_timestamp()

    def _event(self) -> None:
        kind = self._random.choices(
            ["begin", "step", "head", "settle", "roll back", "clock"], [4, 14, 4, 3, 0.4, 1]
        )[0]
        match kind:
            case "begin" if len(self._attempts) < _ATTEMPTS_MAX:
                transaction = self._bench.on_snapshot()
                attempt = Attempt(
                    self._bench, transaction, self._durable, self._undeclared_published
                )
                self._attempts.append(attempt)
            case "step" if self._attempts:
                attempt = self._random.choice(self._attempts)
                self._step(attempt)
                if self._random.random() < 1 / _STEPS_MAX:
                    self._finish(attempt)
            case "head":
                self._run_at_head()
            case "settle":
                self._settle()
            case "roll back":
                # As on a full disk: nothing since the last durable commit ever happened.
                self._bench.database.committer.roll_back()
                self._head, self._tables = self._durable, self._tables_durable
                self._not_durable.clear()
            case "clock":
                self._bench.clock.advance_ms(self._random.choice([-_HOUR_MS, 0.001, 1, _HOUR_MS]))

    def _run_at_head(self) -> None:
        known = {table: self._programmer.ids[table] for table in UNDECLARED}
        attempt = Attempt(self._bench, self._bench.head(), self._head, known)
        for _ in range(self._random.randint(1, _STEPS_MAX)):
            self._step(attempt)
        if self._random.random() < 0.2:
            attempt.replay(attempt.model_at_begin)  # It fails; what it read was right anyway.
        else:
            self._commit(attempt)

    def _step(self, attempt: Attempt) -> None:
        if self._random.random() > 0.15:
            self._take(attempt)
            return
        mark = attempt.transaction.writes.mark()
        attempt.steps.append(Step(NestedBegin()))
        for _ in range(self._random.randint(1, 3)):
            self._take(attempt)
        attempt.transaction.writes.roll_back(mark)
        attempt.steps.append(Step(NestedFailure()))

    def _take(self, attempt: Attempt) -> None:
        operation = self._programmer.operation(attempt.undeclared)
        try:
            result = attempt.take(operation)
        except HeadRequiredError:
            return  # Only at the head can a table be made; the engine would start again there.
        if isinstance(operation, Insert) and isinstance(result, Row):
            self._programmer.ids[operation.table].append(result.id)
            self._programmer.times.append(result.creation_time)
            if operation.table in UNDECLARED:
                attempt.undeclared[operation.table].append(result.id)

    def _finish(self, attempt: Attempt) -> None:
        self._attempts.remove(attempt)
        if self._random.random() < 0.1:
            attempt.replay(attempt.model_at_begin)
        else:
            self._commit(attempt)
        self._bench.give_back(attempt.transaction)

    def _commit(self, attempt: Attempt) -> None:
        attempt.replay(attempt.model_at_begin)
        try:
            ts = self._bench.commit(attempt.transaction)
        except ConflictError:
            self.conflicts_count += 1
            return
        self.commits_count += 1
        self._head = attempt.replay(self._head)
        self._tables = self._tables.union(attempt.transaction.writes.table_names)
        if attempt.transaction.writes:
            assert ts > max(self._not_durable, default=self._bench.published_ts)
            self._not_durable[ts] = self._head

    def _settle(self) -> None:
        self._bench.settle()
        self._durable, self._tables_durable = self._head, self._tables
        for table in UNDECLARED:
            self._undeclared_published[table] = list(self._programmer.ids[table])
        self._by_ts.update(self._not_durable)
        self._not_durable.clear()
        assert self._bench.published_ts == max(self._by_ts)

    def _check_every_timestamp(self) -> None:
        """Each table by each index, now and at every timestamp, is what the model has."""
        for ts, model in self._by_ts.items():
            past = self._bench.past(ts)
            db = self._bench.writer(past)
            for table, indexes in INDEXES.items():
                for index, order_by in indexes:
                    read = ReadRange(table, index, order_by, {}, [], False, "collect", 0)
                    assert read.on_engine(db) == read.on_model(model, None), f"{table} at {ts}"
            self._bench.give_back(past)
