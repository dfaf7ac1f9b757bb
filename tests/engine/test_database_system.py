"""``ctx.db.system``, ``normalize_id``, and the two indexes that every table has."""

import hashlib
from typing import Any

import pytest

from livefile import (
    DefinitionError,
    Id,
    IndexRangeError,
    InvalidDocumentIdError,
    Table,
    index,
)
from livefile.model.document_id import decode_document_id, encode_document_id
from livefile.system.stored_files import NewFile, add_blob, add_file
from tests.tables import Game, Player
from tests.workbench import Workbench


def add_players(db: Workbench, count: int) -> list[Id[Player]]:
    with db.change() as writer:
        return [writer.insert(Player(name="Ada", score=score)) for score in range(count)]


# --- normalize_id ----------------------------------------------------------------------------


def test_an_id_of_the_table_is_normal_by_its_class_and_by_its_name(db: Workbench) -> None:
    (ada,) = add_players(db, 1)
    reader = db.reader(db.on_snapshot())

    assert reader.normalize_id(Player, ada) == ada
    assert reader.normalize_id("players", ada) == ada


def test_the_id_of_a_deleted_document_is_still_an_id(db: Workbench) -> None:
    (ada,) = add_players(db, 1)
    with db.change() as writer:
        writer.delete(ada)

        assert writer.normalize_id(Player, ada) == ada


@pytest.mark.parametrize("text", ["", "abc", "j97eqxjg0w463hm708bey66dg16dpr9x", None, 3])
def test_what_is_no_id_is_not_normal(db: Workbench, text: Any) -> None:
    assert db.reader(db.on_snapshot()).normalize_id(Player, text) is None


def test_an_id_of_another_table_is_not_normal(db: Workbench) -> None:
    (ada,) = add_players(db, 1)
    reader = db.reader(db.on_snapshot())

    assert reader.normalize_id(Game, ada) is None
    assert reader.normalize_id("not_there", ada) is None
    assert reader.normalize_id(Player, encode_document_id(77_777, bytes(16))) is None


# --- by_id and by_creation_time --------------------------------------------------------------


def test_by_id_finds_documents_by_their_ids(db: Workbench) -> None:
    ids = sorted(add_players(db, 10))
    reader = db.reader(db.on_snapshot())

    assert [row.id for row in reader.query(Player.by_id)] == ids
    assert [row.id for row in reader.query(Player.by_id.eq(id=ids[4]))] == [ids[4]]
    assert [row.id for row in reader.query(Player.by_id.gt(id=ids[4]))] == ids[5:]
    assert [row.id for row in reader.query(Player.by_id.gte(id=ids[4]))] == ids[4:]
    assert [row.id for row in reader.query(Player.by_id.lt(id=ids[4]))] == ids[:4]
    assert [row.id for row in reader.query(Player.by_id.lte(id=ids[4]))] == ids[:5]
    between = reader.query(Player.by_id.gte(id=ids[2]).lt(id=ids[6])).order("desc")
    assert [row.id for row in between] == ids[2:6][::-1]


def test_an_id_of_another_table_is_before_or_after_all_of_by_id(db: Workbench) -> None:
    ids = sorted(add_players(db, 5))
    number, internal_id = decode_document_id(ids[2])
    reader = db.reader(db.on_snapshot())

    for other in (number - 1, number + 1, 128, 1, 2**32 - 1):
        foreign = encode_document_id(other, internal_id)
        assert reader.query(Player.by_id.eq(id=foreign)).collect() == []
        above = [id for id in ids if id > foreign] if len(foreign) == len(ids[0]) else None
        found = [row.id for row in reader.query(Player.by_id.gt(id=foreign))]
        assert found in ([], ids)
        assert above is None or found == above


def test_by_creation_time_has_ranges(db: Workbench) -> None:
    times = []
    for score in range(6):
        with db.change() as writer:
            writer.insert(Player(name="Ada", score=score))
        times.append(db.rows(Player)[-1]["_creationTime"])
        db.clock.advance_ms(10)
    reader = db.reader(db.on_snapshot())
    since = reader.query(
        Player.by_creation_time.gte(creation_time=times[2]).lt(creation_time=times[5])
    )

    assert [row.score for row in since] == [2, 3, 4]
    assert [row.score for row in since.order("desc").take(2)] == [4, 3]


def test_the_two_indexes_take_only_their_own_field() -> None:
    with pytest.raises(IndexRangeError, match="want 'id' next; its fields are id"):
        Player.by_id.eq(name="x")
    with pytest.raises(IndexRangeError, match="want nothing next"):
        Player.by_id.eq(id="j57000820c20a1g7104gm2rc1m70ynr8").gt(creation_time=1)
    with pytest.raises(IndexRangeError, match="want 'creation_time' next"):
        Player.by_creation_time.gte(id="x")
    with pytest.raises(InvalidDocumentIdError):
        Player.by_id.eq(id="x")


def test_a_table_that_inherits_an_index_has_its_own_range() -> None:
    class Animal(Table, name="animals"):
        name: str
        by_name = index("name")

    class Dog(Animal, name="dogs"):
        size: float

    assert (Animal.by_name.table, Dog.by_name.table, Animal.by_name.table) == (
        "animals", "dogs", "animals",
    )  # fmt: skip
    assert (Dog.by_id.table, Animal.by_creation_time.table) == ("dogs", "animals")


@pytest.mark.parametrize("name", ["by_id", "by_creation_time"])
def test_their_names_are_taken(name: str) -> None:
    with pytest.raises(DefinitionError, match="the name is reserved"):
        type("Bad", (Table,), {name: index("a"), "__annotations__": {"a": str}}, name="bad")


# --- ctx.db.system ---------------------------------------------------------------------------


def test_a_system_table_that_does_not_exist_is_refused_with_those_that_do(db: Workbench) -> None:
    system = db.reader(db.on_snapshot()).system

    with pytest.raises(DefinitionError, match="'players'; there are _scheduled_functions, _st"):
        system.normalize_id("players", "x")
    with pytest.raises(DefinitionError, match="no system table '_environment_variables'"):
        system.query("_environment_variables")


def add_stored_file(db: Workbench) -> str:
    transaction = db.head()
    empty = NewFile(
        uuid="33d6c09d-ad2f-41f7-8337-51694decb2c4",
        size_bytes=0,
        sha256=hashlib.sha256().digest(),
        content_type=None,
    )
    id = add_file(transaction, empty, add_blob(transaction))
    db.commit(transaction)
    db.settle()
    return id


def test_a_system_table_is_read_as_dictionaries(db: Workbench) -> None:
    id = add_stored_file(db)
    system = db.reader(db.on_snapshot()).system

    assert [row["size"] for row in system.query("_storage")] == [0.0]
    found = system.get(id)
    assert found is not None
    assert found["_id"] == id
    assert system.normalize_id("_storage", id) == id
    assert system.normalize_id("_storage", "x") is None


def test_an_app_cannot_write_to_a_system_table(db: Workbench) -> None:
    id: Id[Any] = add_stored_file(db)  # type: ignore[assignment]  # Ids are texts.

    with db.change() as writer:
        with pytest.raises(InvalidDocumentIdError, match=r"_storage, .* use ctx\.db\.system$"):
            writer.get(id)
        with pytest.raises(InvalidDocumentIdError, match="only Livefile itself writes"):
            writer.delete(id)
        with pytest.raises(InvalidDocumentIdError, match="_storage, which no schema declares"):
            writer.patch(id, size=4.0)


def test_documents_of_the_app_are_not_the_system_s(db: Workbench) -> None:
    (ada,) = add_players(db, 1)

    with pytest.raises(InvalidDocumentIdError, match="is of table players, want one of _sch"):
        db.reader(db.on_snapshot()).system.get(ada)
    with pytest.raises(DefinitionError, match="reserved"):
        db.reader(db.on_snapshot()).table("_things")
