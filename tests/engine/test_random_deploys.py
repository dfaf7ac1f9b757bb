"""Random changes of the schema, with random calls between their batches.

Afterwards every index is what a fresh build would give, every document matches its table, and all
that was asked meanwhile was answered from whole indexes.
"""

from contextlib import suppress
from random import Random
from typing import Any

from livefile import AppError, DeployProgress, DocumentValidationError, Table, index
from livefile.functions.deploy import Deploy
from livefile.functions.job import runs_at_once
from livefile.functions.untyped_table import TableWriter
from livefile.model.index_range import BY_ID
from livefile.model.interval import EVERYTHING
from livefile.model.schema import Schema
from livefile.transaction.committer import Committer
from tests.integrity import check_integrity
from tests.ticking_clock import TickingClock
from tests.workbench import NO_CALL, Workbench

SEEDS_COUNT = 12
DEPLOYS_COUNT = 8
TABLES = ("people", "pets")


class Plain(Table, name="people"):
    name: str
    age: float = 0.0
    by_age = index("age")


class WithCity(Table, name="people"):
    name: str
    age: float = 0.0
    city: str | None = None
    by_age = index("age")
    by_city_age = index("city", "age")


class CityRequired(Table, name="people"):
    name: str
    age: float
    city: str | None
    by_age = index("age", "city")


class Whole(Table, name="people"):
    name: str
    age: int = 0
    size: int = 7
    by_age = index("size", "name")


class Pet(Table, name="pets"):
    name: str
    age: float = 1.0
    by_name = index("name", "age")


SCHEMAS: list[tuple[type[Table], ...]] = [
    (),
    (Plain,),
    (WithCity,),
    (CityRequired,),
    (Whole, Pet),
    (Pet, WithCity),
    (Pet,),
]


class StoppedError(Exception):
    """Somebody gave up waiting for the deploy."""


class Traffic:
    """Random calls of whatever code serves now."""

    def __init__(self, bench: Workbench, random: Random) -> None:
        self._bench = bench
        self._random = random
        self.batches_count = 0

    def go_on(self, progress: DeployProgress) -> None:
        """Write, look, and maybe stop the deploy."""
        self.batches_count += 1
        for _ in range(self._random.randint(0, 3)):
            self.write()
        self.look()
        if self._random.random() < 0.02:
            raise StoppedError

    def write(self) -> None:
        """Write as the code that serves may write."""
        random, table_name = self._random, self._random.choice(TABLES)
        with self._bench.change() as db, suppress(DocumentValidationError):
            table = db.table(table_name)
            match random.randint(0, 5):
                case 0 | 1:
                    table.insert(self._fields())
                case 2:
                    for row in self._some(table):
                        table.delete(row["_id"])
                case 3:
                    for row in self._some(table):
                        table.replace(row["_id"], self._fields())
                case _:
                    for row in self._some(table):
                        table.patch(row["_id"], {"age": random.choice((0.0, 1.0, 2.0))})

    def look(self) -> None:
        """Compare what each index shows with the documents of its table."""
        transaction = self._bench.on_snapshot()
        for table in transaction.catalog.tables.values():
            shown = {
                name: sorted(str(row["_id"]) for row in transaction.scan(table, found, EVERYTHING))
                for name, found in table.indexes.items()
            }
            assert all(ids == shown[BY_ID] for ids in shown.values()), shown.keys()
        self._bench.give_back(transaction)

    def _some(self, table: TableWriter) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = table.query().take(20)
        return self._random.sample(rows, min(len(rows), 2))

    def _fields(self) -> dict[str, Any]:
        """Return fields that most of the schemas accept, most of the time."""
        random = self._random
        fields: dict[str, Any] = {"name": random.choice("abc")}
        fields["age"] = 0.5 if random.random() < 0.05 else float(random.randint(0, 3))
        if random.random() < 0.3:
            fields["city"] = random.choice(["Oslo", "Rome"])
        if random.random() < 0.1:
            fields["size"] = 3
        return fields


def deploy(bench: Workbench, traffic: Traffic, models: tuple[type[Table], ...]) -> None:
    """Bring the file to a schema beside traffic; the code changes when the schema does."""
    schema = Schema(model.__livefile_table__ for model in models)
    run_job = runs_at_once(bench.database)

    def switch(committer: Committer) -> None:
        bench.schema = schema

    Deploy(bench.database, TickingClock(), schema, NO_CALL, run_job, traffic.go_on).run(switch)


def check(bench: Workbench) -> None:
    """Raise if a document does not match its table, or an index is missing."""
    check_integrity(bench.database)
    transaction = bench.on_snapshot()
    for table in transaction.catalog.tables.values():
        assert not table.building
        definition = bench.schema.tables.get(table.name)
        if definition is not None:
            assert set(table.indexes) - {"by_id", "by_creation_time"} == set(definition.indexes)
            for row in transaction.scan(table, table.indexes[BY_ID], EVERYTHING):
                fields = {name: item for name, item in row.items() if not name.startswith("_")}
                assert definition.validator.mismatch(fields, lambda _: None) is None
                assert definition.defaults.keys() <= fields.keys() | table.defaults.keys()
    bench.give_back(transaction)


def check_nothing_is_left(bench: Workbench) -> None:
    """Raise if a deploy that is over left something undone."""
    assert not any(table.defaults for table in bench.database.catalog.tables.values())
    with bench.database._connections.read() as connection:
        states = connection.execute("SELECT DISTINCT state FROM indexes").fetchall()
        known = connection.execute("SELECT id FROM indexes").fetchall()
        used = connection.execute("SELECT DISTINCT index_id FROM index_entries").fetchall()
    assert states == [("ready",)]
    assert set(used) <= set(known)


def test_deploys_beside_traffic_keep_every_index_whole(seed: int) -> None:
    random = Random(seed)
    with Workbench(seed=seed) as bench:
        traffic = Traffic(bench, random)
        for _ in range(40):
            traffic.write()
        done = 0
        while done < DEPLOYS_COUNT:
            try:
                deploy(bench, traffic, random.choice(SCHEMAS))
            except StoppedError:
                check(bench)  # After the switch, something may be left for the next deploy.
            except AppError:
                check(bench)
                check_nothing_is_left(bench)
            else:
                check(bench)
                check_nothing_is_left(bench)
                done += 1
            if random.random() < 0.5:  # So that a strict schema has a chance.
                with bench.change() as db:
                    for name in TABLES:
                        for row in db.table(name).query().collect():
                            db.table(name).delete(row["_id"])
                bench.declare()
            for _ in range(20):
                traffic.write()

        assert traffic.batches_count > 5
