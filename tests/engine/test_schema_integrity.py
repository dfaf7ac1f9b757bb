"""After every change of the schema, documents, index entries and the commit log agree."""

from contextlib import suppress
from random import Random

import pytest

from livefile import AppError, Table, index
from tests.integrity import check_integrity
from tests.workbench import Workbench

SEEDS_COUNT = 10


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


class Whole(Table, name="people"):
    name: str
    age: int = 0
    by_age = index("age", "name")


class Pet(Table, name="pets"):
    name: str


SCHEMAS: list[tuple[type[Table], ...]] = [
    (),
    (Plain,),
    (WithCity,),
    (Whole,),
    (Pet, WithCity),
]


def test_a_document_that_lacks_an_indexed_field_keeps_its_entries() -> None:
    with Workbench(Plain) as bench:
        with bench.change() as db:
            db.table("people").insert({"name": "Ada"})
        bench.declare(WithCity)

        check_integrity(bench.database)
        rows = bench.reader(bench.on_snapshot()).query(WithCity.by_age.eq(age=0)).collect()
        assert [row.name for row in rows] == ["Ada"]


def test_numbers_are_checked_again_when_they_must_be_whole() -> None:
    with Workbench(Plain) as bench:
        with bench.change() as db:
            half = db.insert(Plain(name="Ada", age=0.5))
        with pytest.raises(AppError, match=f"document {half} of table"):
            bench.declare(Whole)
        with bench.change() as db:
            db.patch(half, age=1.0)
        bench.declare(Whole)

        assert [row["age"] for row in bench.rows(Whole)] == [1.0]
        check_integrity(bench.database)


def test_a_schema_that_is_refused_leaves_no_table_behind() -> None:
    with Workbench(Plain) as bench:
        with bench.change() as db:
            half = db.insert(Plain(name="Ada", age=0.5))
        before = bench.database.catalog
        with pytest.raises(AppError):
            bench.declare(Pet, Whole)
        bench.settle()
        assert bench.database.catalog == before
        with bench.change() as db:
            db.delete(half)
        bench.declare(Pet, Whole)

        tables = bench.database.catalog.tables.values()
        assert {table.name for table in tables if not table.is_system} == {"people", "pets"}
        check_integrity(bench.database)


def test_a_refused_schema_harms_nobody_in_its_group() -> None:
    with Workbench(Plain) as bench:
        before = bench.head()
        bench.writer(before).insert(Plain(name="Ada", age=0.5))
        bench.commit(before)
        with pytest.raises(AppError):
            bench.declare(Whole)
        after = bench.head()
        bench.writer(after).insert(Plain(name="Bob"))
        bench.commit(after)
        bench.settle()

        assert {row["name"] for row in bench.rows(Plain)} == {"Ada", "Bob"}
        check_integrity(bench.database)


def test_schemas_that_come_and_go_keep_the_file_whole(seed: int) -> None:
    random = Random(seed)
    with Workbench() as bench:
        for _ in range(15):
            schema = random.choice(SCHEMAS)
            with suppress(AppError):  # A document may have a field that this one does not know.
                bench.declare(*schema)
            with bench.change() as db:
                people = db.table("people")
                for _ in range(random.randint(0, 3)):
                    people.insert({"name": random.choice("abc"), "age": random.randint(0, 3)})
                for row in people.query().take(2):
                    if random.random() < 0.5:
                        people.delete(row["_id"])
                if random.random() < 0.5:
                    for row in people.query():
                        people.replace(row["_id"], {"name": row["name"], "age": 1})
            check_integrity(bench.database)
