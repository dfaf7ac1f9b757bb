"""Changing the schema of a file that already holds documents."""

from pathlib import Path

import pytest

from livefile import App, AppError, Livefile
from livefile.model.interval import EVERYTHING
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import ConflictError
from tests.app_folder import write_app

PEOPLE = """
    from livefile import MutationCtx, QueryCtx, Table, mutation, query

    class Person(Table, name="people"):
        name: str

    @mutation
    def add(ctx: MutationCtx, name: str) -> str:
        return ctx.db.insert(Person(name=name))
"""
PEOPLE_WITH_CITY = """
    from livefile import Id, MutationCtx, QueryCtx, Table, index, mutation, query

    class Person(Table, name="people"):
        name: str
        city: str = "Nowhere"
        by_city = index("city")

    @mutation
    def move(ctx: MutationCtx, id: Id[Person], city: str) -> None:
        ctx.db.patch(id, city=city)

    @mutation
    def add(ctx: MutationCtx, name: str) -> str:
        return ctx.db.insert(Person(name=name))

    @query
    def living_in(ctx: QueryCtx, city: str) -> list[str]:
        return [p.name for p in ctx.db.query(Person.by_city.eq(city=city))]

    @query
    def cities(ctx: QueryCtx) -> list[str]:
        return [p.city for p in ctx.db.query(Person)]
"""


def load(folder: Path, source: str) -> App:
    return App.load(write_app(folder, {"people": source}))


def test_an_older_document_is_found_by_an_index_over_a_new_field(tmp_path: Path) -> None:
    with Livefile.open(tmp_path / "a.db", load(tmp_path, PEOPLE)) as livefile:
        ann = livefile.mutation("people:add", name="Ann")

        livefile.deploy(load(tmp_path, PEOPLE_WITH_CITY))
        assert livefile.query("people:living_in", city="Nowhere") == ["Ann"]

        livefile.mutation("people:move", id=ann, city="Oslo")
        assert livefile.query("people:living_in", city="Nowhere") == []
        assert livefile.query("people:living_in", city="Oslo") == ["Ann"]


def test_the_commit_log_shows_what_a_deploy_filled_in(tmp_path: Path) -> None:
    with Livefile.open(tmp_path / "a.db", load(tmp_path, PEOPLE)) as livefile:
        livefile.mutation("people:add", name="Ann")
        before_ts = livefile.latest_ts
        livefile.deploy(load(tmp_path, PEOPLE_WITH_CITY))

        with livefile._database.past(before_ts, seed=0) as transaction:
            table = transaction.table("people")
            assert table is not None
            rows = list(transaction.scan(table, table.indexes["by_creation_time"], EVERYTHING))

    assert [set(row) for row in rows] == [{"_id", "_creationTime", "name"}]


def test_a_schema_that_a_document_violates_changes_nothing(tmp_path: Path) -> None:
    stricter = PEOPLE.replace("name: str\n", "name: int\n", 1)
    with Livefile.open(tmp_path / "a.db", load(tmp_path, PEOPLE)) as livefile:
        ann = livefile.mutation("people:add", name="Ann")
        ts = livefile.latest_ts

        with pytest.raises(AppError) as caught:
            livefile.deploy(load(tmp_path, stricter))

        assert str(ann) in str(caught.value)
        assert 'table "people"' in str(caught.value)
        assert "Path: .name" in str(caught.value)
        assert livefile.latest_ts == ts
        livefile.mutation("people:add", name="Bob")


def test_a_transaction_from_before_a_deploy_is_a_conflict(tmp_path: Path) -> None:
    with Livefile.open(tmp_path / "a.db", load(tmp_path, PEOPLE), has_threads=False) as livefile:
        database = livefile._database
        with database.snapshot() as snapshot:
            transaction = Transaction(snapshot, now_ns=0, seed=1)
            transaction.insert("people", {"name": "Ann"})
            livefile.deploy(load(tmp_path, PEOPLE_WITH_CITY))

        with pytest.raises(ConflictError):
            database.committer.commit(transaction, b"\x80")


def test_a_file_that_is_opened_without_an_app_keeps_its_tables_and_indexes(tmp_path: Path) -> None:
    with Livefile.open(tmp_path / "a.db", load(tmp_path, PEOPLE_WITH_CITY)) as livefile:
        livefile.mutation("people:add", name="Ann")
    with Livefile.open(tmp_path / "a.db") as livefile:
        tables = livefile._database.catalog.tables
        ts = livefile.latest_ts

    assert "by_city" in tables["people"].indexes
    assert '"city"' in tables["people"].validator
    with Livefile.open(tmp_path / "a.db", load(tmp_path, PEOPLE_WITH_CITY)) as livefile:
        assert livefile.latest_ts == ts
        assert livefile.query("people:living_in", city="Nowhere") == ["Ann"]
