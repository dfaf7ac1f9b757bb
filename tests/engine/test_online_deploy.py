"""A deploy beside live traffic: calls go on between its batches, and what fails changes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from livefile import (
    ADMIN,
    App,
    AppError,
    DeployProgress,
    DeployStage,
    Livefile,
    QuerySetChange,
    Success,
    Update,
    WatchQuery,
    from_json,
)
from livefile.model.interval import EVERYTHING
from livefile.sqlite.commit_log import commits_between
from livefile.transaction.transaction import Transaction
from tests.app_folder import write_app
from tests.integrity import check_integrity
from tests.ticking_clock import TickingClock

BEFORE = """
    from livefile import *

    class Person(Table, name="people"):
        name: str
        age: float
        by_age = index("age")

    @mutation
    def add(ctx: MutationCtx, name: str, age: float = 0) -> Id[Person]:
        return ctx.db.insert(Person(name=name, age=age))

    @mutation
    def rename(ctx: MutationCtx, id: Id[Person], name: str) -> None:
        ctx.db.patch(id, name=name)

    @mutation
    def remove(ctx: MutationCtx, id: Id[Person]) -> None:
        ctx.db.delete(id)

    @mutation
    def note(ctx: MutationCtx, text: str) -> str:
        return ctx.db.table("notes").insert({"text": text})

    @query
    def names(ctx: QueryCtx) -> list[str]:
        return [person.name for person in ctx.db.query(Person)]
"""
# A new field with a default, an index over it, one index less, and whole numbers only.
AFTER = (
    BEFORE.replace("age: float\n", 'age: int\n        city: str = "Nowhere"\n')
    .replace('by_age = index("age")', 'by_city = index("city", "name")')
    .replace("age: float = 0", "age: int = 0")
    .replace("[person.name for person in ctx.db.query(Person)]", "[person.name for person in "
             'ctx.db.query(Person.by_city.eq(city="Nowhere"))]')
)  # fmt: skip
WITH_NOTES = AFTER.replace(
    "    @mutation\n    def add",
    '    class Note(Table, name="notes"):\n        text: str\n        by_text = index("text")\n\n'
    "    @mutation\n    def add",
    1,
)
COUNT = 20
"""More documents than three batches hold, at a millisecond for each."""


class People:
    """A deployment of the app, whose batches end after a few documents."""

    def __init__(self, folder: Path) -> None:
        self.folder = write_app(folder, {"people": BEFORE})
        self.livefile = Livefile.open(
            ":memory:", self.folder, clock=TickingClock(), seed=1, has_threads=False
        )
        self.progress: list[DeployProgress] = []

    def add(self, *names: str, age: float = 0) -> list[str]:
        return [self.livefile.mutation("people:add", name=name, age=age) for name in names]

    def app(self, source: str) -> App:
        write_app(self.folder.parent, {"people": source}, self.folder.name)
        return self.livefile.app.reload()

    def deploy(self, source: str, between: Callable[[DeployProgress], None] | None = None) -> None:
        """Deploy other code; ``between`` is called after every batch."""

        def heard(progress: DeployProgress) -> None:
            self.progress.append(progress)
            if between is not None:
                between(progress)

        self.livefile.deploy(self.app(source), heard)

    def watch(self, path: str) -> list[Any]:
        """Watch a query and return the list that its results are put into."""
        results: list[Any] = []

        def deliver(update: Update) -> None:
            for outcome in update.outcomes.values():
                assert isinstance(outcome, Success)
                results.append(from_json(outcome.json))

        query = WatchQuery(query_id=0, path=path, args={})
        self.livefile.open_query_set(deliver).change(
            QuerySetChange(query_set_version=1, identity_version=0, identity=ADMIN, added=(query,))
        )
        self.livefile.step()
        return results

    def stages(self) -> list[DeployStage]:
        return list(dict.fromkeys(progress.stage for progress in self.progress))


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    opened = People(tmp_path)
    with opened.livefile as livefile:
        yield opened
        if not livefile._is_closed:
            check_integrity(livefile._database)


def names(count: int) -> list[str]:
    return [f"{number:02}" for number in range(count)]


def test_a_deploy_goes_through_the_documents_in_batches(people: People) -> None:
    people.add(*names(COUNT))
    people.deploy(AFTER)

    assert people.stages() == [DeployStage.CHECK, DeployStage.BUILD, DeployStage.FILL]
    for stage in people.stages():
        steps = [step for step in people.progress if step.stage is stage]
        assert len(steps) > 3
        assert [step.done for step in steps] == sorted(step.done for step in steps)
        assert (steps[-1].done, steps[-1].count, steps[-1].table) == (COUNT, COUNT, "people")


def test_mutations_and_live_queries_go_on_between_batches(people: People) -> None:
    livefile = people.livefile
    (ann,) = people.add("ann")
    people.add(*names(COUNT))
    shown = people.watch("people:names")

    def work(progress: DeployProgress) -> None:
        number = len(people.progress)
        people.add(f"new {number}")
        livefile.mutation("people:rename", id=ann, name=f"ann {number}")
        livefile.step()
        assert f"ann {number}" in shown[-1]
        assert f"new {number}" in shown[-1]

    people.deploy(AFTER, work)
    last = livefile.query("people:names")

    assert len(people.progress) > 9
    assert f"ann {len(people.progress)}" in last
    assert len(last) == 1 + COUNT + len(people.progress)
    assert last == sorted(last) == shown[-1]


def test_a_document_that_is_removed_while_an_index_is_built_leaves_no_entry(
    people: People,
) -> None:
    ids = people.add(*names(COUNT))

    def remove(progress: DeployProgress) -> None:
        if ids:
            people.livefile.mutation("people:remove", id=ids.pop())
            people.livefile.mutation("people:remove", id=ids.pop(0))

    people.deploy(AFTER, remove)

    gone = (COUNT - len(ids)) // 2
    assert gone > 3
    assert people.livefile.query("people:names") == names(COUNT)[gone : COUNT - gone]


def test_the_index_of_the_new_code_is_used_only_after_the_switch(people: People) -> None:
    people.add(*reversed(names(COUNT)))
    seen: dict[DeployStage, list[str]] = {}

    def query(progress: DeployProgress) -> None:
        seen[progress.stage] = people.livefile.query("people:names")

    people.deploy(AFTER, query)

    assert seen[DeployStage.CHECK] == seen[DeployStage.BUILD] == [*reversed(names(COUNT))]
    assert seen[DeployStage.FILL] == names(COUNT)


def test_defaults_that_are_filled_in_are_commits_and_change_no_result(people: People) -> None:
    people.add(*names(COUNT))
    shown = people.watch("people:names")
    ts = people.livefile.latest_ts
    people.deploy(AFTER)
    database = people.livefile._database
    with database.snapshot() as snapshot:
        transaction = Transaction(snapshot, 0, 0)
        table = transaction.table("people")
        assert table is not None
        assert not table.defaults
        rows = list(transaction.scan(table, table.indexes["by_city"], EVERYTHING))

        filled = [
            write
            for commit in commits_between(snapshot._connection, ts, snapshot.ts)
            for write in commit.writes
        ]

    assert shown == [names(COUNT)]
    assert len({write.internal_id for write in filled}) == len(filled) == COUNT
    assert [row["city"] for row in rows] == ["Nowhere"] * COUNT
    assert [list(row)[:2] for row in rows] == [["_id", "_creationTime"]] * COUNT


# --- What fails ----------------------------------------------------------------------------


@contextmanager
def refused(people: People) -> Iterator[list[str]]:
    """Expect that a deploy fails; afterwards the old version serves as before."""
    catalog = people.livefile._database.catalog
    texts: list[str] = []
    with pytest.raises(AppError) as raised:
        yield texts
    texts.append(str(raised.value))
    after = people.livefile._database.catalog
    assert after == catalog
    assert people.livefile._database.committer.observe_writes is None
    people.add("still serving")
    assert "still serving" in people.livefile.query("people:names")
    with people.livefile._database._connections.read() as connection:
        assert connection.execute("SELECT count(*) FROM indexes WHERE state <> 'ready'").get == 0


def test_a_document_that_does_not_match_is_named_with_its_field_and_value(people: People) -> None:
    people.add(*names(COUNT))
    (half,) = people.add("half", age=0.5)
    with refused(people) as texts:
        people.deploy(AFTER)

    for part in (f"document {half}", 'table "people"', "Path: .age", "Value: 0.5"):
        assert part in texts[0]


def test_a_document_that_the_old_code_writes_meanwhile_fails_the_deploy(people: People) -> None:
    people.add(*names(COUNT))
    halves: list[str] = []

    def write(progress: DeployProgress) -> None:
        if progress.stage is DeployStage.BUILD and not halves:
            halves.extend(people.add("half", age=0.5))

    with refused(people) as texts:
        people.deploy(AFTER, write)

    assert f"document {halves[0]}" in texts[0]
    assert people.stages() == [DeployStage.CHECK, DeployStage.BUILD]


def test_whoever_stops_a_deploy_leaves_the_old_version(people: People) -> None:
    people.add(*names(COUNT))

    def stop(progress: DeployProgress) -> None:
        if progress.stage is DeployStage.BUILD:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        people.deploy(AFTER, stop)
    check_integrity(people.livefile._database)
    assert people.livefile.query("people:names") == names(COUNT)

    people.deploy(AFTER)
    assert people.livefile.query("people:names") == names(COUNT)


def test_a_table_that_the_old_code_makes_meanwhile_is_prepared_as_well(people: People) -> None:
    people.add(*names(COUNT))
    notes: list[str] = []

    def write(progress: DeployProgress) -> None:
        if progress.stage is DeployStage.BUILD and not notes:
            notes.append(people.livefile.mutation("people:note", text="a"))

    people.deploy(WITH_NOTES, write)

    assert {progress.table for progress in people.progress} == {"people", "notes"}
    table = people.livefile._database.catalog.tables["notes"]
    assert "by_text" in table.indexes


def test_a_deploy_that_only_changes_code_makes_no_commit(people: People) -> None:
    people.add("ann")
    ts = people.livefile.latest_ts
    people.deploy(BEFORE.replace("person.name for", "person.name + '!' for"))

    assert people.livefile.query("people:names") == ["ann!"]
    assert people.livefile.latest_ts == ts
    assert people.progress == []
