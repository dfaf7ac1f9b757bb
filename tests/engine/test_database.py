from pathlib import Path
from typing import Any

import pytest

from livefile import (
    ADMIN,
    DefinitionError,
    DocumentNotFoundError,
    DocumentValidationError,
    Id,
    Int64,
    InvalidDocumentIdError,
    InvalidValueError,
    Table,
    index,
)
from livefile.transaction.transaction import Transaction
from tests.stepped_app import SteppedApp, value_of
from tests.tables import Game, Player
from tests.workbench import Workbench


class Elsewhere(Table, name="elsewhere"):
    name: str
    by_name = index("name")


def insert_player(db: Workbench, name: str = "ann", **fields: Any) -> Id[Player]:
    with db.change() as writer:
        return writer.insert(Player(name=name, **fields))


def read_player(db: Workbench, id: Id[Player]) -> Player | None:
    with db.database.snapshot() as snapshot:
        return db.reader(Transaction(snapshot, db.clock.now_ns(), 0)).get(id)


# --- Documents of declared tables -------------------------------------------------------------


def test_a_document_comes_back_as_an_instance_of_its_table(db: Workbench) -> None:
    id = insert_player(db, tags=["a"])
    player = read_player(db, id)

    assert type(player) is Player
    assert player.id == id
    assert (player.name, player.team, player.score, player.tags) == ("ann", None, 0, ["a"])
    assert type(player.score) is int
    assert player.creation_time == pytest.approx(db.clock.now_ns() / 1e6)


def test_a_document_that_does_not_exist_is_none(db: Workbench) -> None:
    id = insert_player(db)
    with db.change() as writer:
        writer.delete(id)

        assert writer.get(id) is None
    assert read_player(db, id) is None


def test_a_patch_sets_the_fields_it_names_and_keeps_the_others(db: Workbench) -> None:
    id = insert_player(db, team="red", score=3)
    before = read_player(db, id)
    with db.change() as writer:
        writer.patch(id, score=4, tags=["new"])
    after = read_player(db, id)

    assert before is not None
    assert after is not None
    assert (after.name, after.team, after.score, after.tags) == ("ann", "red", 4, ["new"])
    assert after.creation_time == before.creation_time


def test_a_replacement_sets_all_fields_and_keeps_the_identity(db: Workbench) -> None:
    id = insert_player(db, team="red", score=3)
    with db.change() as writer:
        writer.replace(id, Player(name="bob"))
    (row,) = db.rows(Player)

    assert row["_id"] == id
    assert (row["name"], row["team"], row["score"]) == ("bob", None, 0.0)


def test_a_read_document_can_be_inserted_again_as_another_one(db: Workbench) -> None:
    id = insert_player(db, team="red")
    player = read_player(db, id)
    assert player is not None
    with db.change() as writer:
        copy = writer.insert(player)

    assert copy != id
    assert [row["team"] for row in db.rows(Player)] == ["red", "red"]


def test_references_between_tables_are_checked(db: Workbench) -> None:
    player = insert_player(db)
    with db.change() as writer:
        game: Any = writer.insert(Game(winner=player, points=1.5))
        with pytest.raises(DocumentValidationError, match=r"Found ID .* from table `games`"):
            writer.insert(Game(winner=game, points=1.0))

    assert len(db.rows(Game)) == 1


def test_writing_to_a_document_that_is_gone_is_refused(db: Workbench) -> None:
    id = insert_player(db)
    with db.change() as writer:
        writer.delete(id)
        with pytest.raises(DocumentNotFoundError, match=f"Update on nonexistent document ID {id}"):
            writer.patch(id, score=1)
        with pytest.raises(DocumentNotFoundError, match="Replace on nonexistent document ID"):
            writer.replace(id, Player(name="x"))
        with pytest.raises(DocumentNotFoundError, match="Delete on nonexistent document ID"):
            writer.delete(id)

    assert db.rows(Player) == []


def test_a_patch_with_what_a_field_cannot_hold_changes_nothing(db: Workbench) -> None:
    id = insert_player(db, score=1)
    with db.change() as writer:
        with pytest.raises(DocumentValidationError, match="has no field 'scores'; it has name"):
            writer.patch(id, scores=2)
        with pytest.raises(DocumentValidationError, match=r'table "players".*field score'):
            writer.patch(id, name="new", score="many")
        with pytest.raises(DocumentValidationError, match="'_id'"):
            writer.patch(id, _id="x")

    (row,) = db.rows(Player)
    assert (row["name"], row["score"]) == ("ann", 1.0)


def test_a_replacement_of_another_table_is_refused(db: Workbench) -> None:
    id = insert_player(db)
    wrong: Any = Game(winner=id, points=1.0)
    with (
        db.change() as writer,
        pytest.raises(DocumentValidationError, match=r"is of table players, .* of games"),
    ):
        writer.replace(id, wrong)


@pytest.mark.parametrize("wrong", ["", "not an id", "m17", 3, None, b"x", ["a"]])
def test_what_is_no_id_is_refused(db: Workbench, wrong: Any) -> None:
    with db.change() as writer:
        for use in (writer.get, writer.delete, writer.patch):
            with pytest.raises(InvalidDocumentIdError):
                use(wrong)


@pytest.mark.parametrize("wrong", [{"name": "ann"}, "players", 3, None, Player])
def test_what_is_no_document_is_refused(db: Workbench, wrong: Any) -> None:
    id = insert_player(db)
    with db.change() as writer:
        with pytest.raises(DocumentValidationError, match="want a document"):
            writer.insert(wrong)
        with pytest.raises(DocumentValidationError, match="want a document"):
            writer.replace(id, wrong)


def test_a_query_takes_a_table_or_a_range_and_says_so(db: Workbench) -> None:
    wrong: Any = "players"
    with (
        db.change() as writer,
        pytest.raises(DefinitionError, match=r"'players'.*ctx\.db\.table"),
    ):
        writer.query(wrong)


def test_a_table_that_the_app_does_not_declare_is_refused(db: Workbench) -> None:
    with db.change() as writer:
        for use in (
            lambda: writer.query(Elsewhere),
            lambda: writer.query(Elsewhere.by_name.eq(name="a")),
            lambda: writer.insert(Elsewhere(name="a")),
        ):
            with pytest.raises(DefinitionError, match="table elsewhere is not declared by the app"):
                use()


# --- Tables without types ---------------------------------------------------------------------


def test_a_table_by_name_holds_plain_dictionaries(db: Workbench) -> None:
    with db.change() as writer:
        things = writer.table("things")
        id = things.insert({"count": 1, "big": Int64(2), "nested": {"list": [1, None, "x"]}})
        found = things.get(id)

    assert found is not None
    assert found.pop("_id") == id
    assert isinstance(found.pop("_creationTime"), float)
    assert found == {"count": 1.0, "big": 2, "nested": {"list": [1.0, None, "x"]}}
    assert (type(found["count"]), type(found["big"])) == (float, Int64)


def test_documents_by_name_are_patched_replaced_and_deleted(db: Workbench) -> None:
    with db.change() as writer:
        things = writer.table("things")
        first, second, third = (things.insert({"n": n, "keep": True}) for n in range(3))
        things.patch(first, {"n": 10, "more": "x"})
        things.replace(second, {"other": 1})
        things.delete(third)
        rows = [
            {name: item for name, item in row.items() if not name.startswith("_")}
            for row in things.query()
        ]

    assert rows == [{"n": 10.0, "keep": True, "more": "x"}, {"other": 1.0}]


def test_what_was_read_by_name_can_be_written_back_whole(db: Workbench) -> None:
    with db.change() as writer:
        things = writer.table("things")
        id = things.insert({"n": 1, "big": Int64(2)})
        row = things.get(id)
        assert row is not None
        things.replace(id, {**row, "n": 2})

        assert things.get(id) == {**row, "n": 2.0}


def test_a_declared_table_keeps_its_schema_by_name_too(db: Workbench) -> None:
    with db.change() as writer:
        players = writer.table("players")
        id = players.insert({"name": "ann"})
        with pytest.raises(DocumentValidationError, match="missing the required field `name`"):
            players.insert({"team": "red"})
        with pytest.raises(DocumentValidationError, match="extra field `nick`"):
            players.patch(id, {"nick": "a"})
        with pytest.raises(DocumentValidationError, match=r"Path: \.name"):
            players.replace(id, {"name": 3})

    (row,) = db.rows(Player)
    assert (row["name"], row["score"]) == ("ann", 0.0)


def test_an_id_of_another_table_is_refused_by_name(db: Workbench) -> None:
    id = insert_player(db)
    with db.change() as writer:
        things = writer.table("things")
        things.insert({"a": 1})
        for use in (things.get, things.delete, lambda id: things.patch(id, {"a": 2})):
            with pytest.raises(InvalidDocumentIdError, match="is of table players, want one of th"):
                use(id)


def test_a_typed_read_of_a_table_without_schema_says_what_to_use(db: Workbench) -> None:
    with db.change() as writer:
        id: Any = writer.table("things").insert({"a": 1})
        with pytest.raises(InvalidDocumentIdError, match=r"use ctx\.db\.table"):
            writer.get(id)


@pytest.mark.parametrize("name", ["", "2a", "_secret", "a b", "x" * 65, "ü"])
def test_a_table_needs_a_name_that_the_protocol_allows(db: Workbench, name: str) -> None:
    with db.change() as writer, pytest.raises(DefinitionError):
        writer.table(name)


@pytest.mark.parametrize("document", [{"a": object()}, {"$a": 1}, {"a": 2**70}, {1: 1}])
def test_what_is_no_value_is_not_stored(db: Workbench, document: Any) -> None:
    with db.change() as writer, pytest.raises(InvalidValueError):
        writer.table("things").insert(document)


# --- Tables that come into being --------------------------------------------------------------

GROWING = """
    from livefile import *

    @query
    def count(ctx: QueryCtx, table: str) -> int:
        return len(ctx.db.table(table).query().collect())

    @mutation
    def add(ctx: MutationCtx, table: str, fails: bool = False) -> str:
        id = ctx.db.table(table).insert({"a": 1})
        if fails:
            raise ConvexError("in vain")
        return id

    @internal.mutation
    def add_inside(ctx: MutationCtx, table: str) -> None:
        ctx.db.table(table).insert({"a": 1})
        raise ConvexError("in vain")

    @mutation
    def add_around(ctx: MutationCtx, table: str) -> int:
        try:
            ctx.run_mutation(add_inside, table=table)
        except ConvexError:
            pass
        return len(ctx.db.table(table).query().collect())
"""


def test_a_live_query_that_read_its_absence_sees_a_new_table(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"growing": GROWING}) as app:
        client = app.client(ADMIN)
        client.watch(1, "growing:count", table="events")
        client.watch(2, "growing:count", table="others")
        app.step()
        app.mutate("growing:add", table="events")

        assert (client.value(1), client.value(2)) == (1, 0)
        assert app.count_runs("growing:count") == 3


def test_a_table_that_a_failed_mutation_made_is_not_there(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"growing": GROWING}) as app:
        client = app.client(ADMIN)
        client.watch(1, "growing:count", table="events")
        app.step()
        app.mutate("growing:add", table="events", fails=True)
        assert len(client.updates) == 1
        app.mutate("growing:add", table="events")

        assert client.value(1) == 1


def test_a_table_made_by_a_nested_mutation_that_failed_is_empty(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"growing": GROWING}) as app:
        client = app.client(ADMIN)
        client.watch(1, "growing:count", table="events")
        assert value_of(app.mutate("growing:add_around", table="events")) == 0
        app.mutate("growing:add", table="events")

        assert client.value(1) == 1
