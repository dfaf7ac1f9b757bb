from typing import Any

import pytest

from livefile import (
    DocumentNotFoundError,
    HeadRequiredError,
    Id,
    InvalidDocumentIdError,
    InvalidValueError,
)
from livefile.model.document_id import decode_document_id, encode_document_id
from livefile.model.write import IndexWrites
from livefile.transaction import transaction as transaction_module
from livefile.transaction.read_set import TABLE_NAMES_INDEX
from tests.tables import Game, Player
from tests.workbench import Workbench

START_NS = 1_700_000_000_000_000_000
HOUR_MS = 3_600_000


def add_players(db: Workbench, scores: list[int], team: str | None = "a") -> list[Id[Player]]:
    with db.change() as writer:
        return [writer.insert(Player(name="Ada", team=team, score=score)) for score in scores]


def touched_by(db: Workbench, id: Id[Player], **fields: Any) -> IndexWrites:
    """Patch a player and return what that commit touched."""
    before_ts = db.published_ts
    with db.change() as writer:
        writer.patch(id, **fields)
    (touched,) = db.database.write_log.between(before_ts, db.published_ts)
    return touched


def scores_of(players: list[Player]) -> list[int]:
    return [player.score for player in players]


# --- Reading -------------------------------------------------------------------------------


def test_a_snapshot_does_not_change(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    reader = db.reader(db.on_snapshot())
    add_players(db, [2])
    touched_by(db, ada, score=9)

    assert scores_of(reader.query(Player).collect()) == [1]
    found = reader.get(ada)
    assert found is not None
    assert found.score == 1


def test_a_transaction_at_the_head_sees_the_group_before_it(db: Workbench) -> None:
    first = db.head()
    db.writer(first).insert(Player(name="Ada"))
    db.commit(first)

    assert len(db.reader(db.head()).query(Player).collect()) == 1
    assert db.rows(Player) == []  # It is not durable, so nobody else sees it.


def test_a_document_that_does_not_exist_is_none(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    with db.change() as writer:
        writer.delete(ada)

    assert db.head().get(ada) is None


def test_the_id_of_no_table_at_all_is_none(db: Workbench) -> None:
    assert db.head().get(encode_document_id(12_345, bytes(16))) is None


@pytest.mark.parametrize("text", ["", "abc", "j97eqxjg0w463hm708bey66dg16dpr9x"])
def test_what_is_no_id_is_refused(db: Workbench, text: str) -> None:
    with pytest.raises(InvalidDocumentIdError):
        db.head().get(text)


def test_an_id_made_up_from_that_of_another_table_finds_nothing(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    games = db.database.catalog.tables["games"].number
    made_up = encode_document_id(games, decode_document_id(ada)[1])
    transaction = db.head()

    assert transaction.get(ada) is not None
    assert transaction.get(made_up) is None
    other = db.head()
    assert other.get(made_up) is None
    assert other.get(ada) is not None


def test_what_is_outside_of_a_read_range_does_not_touch_it(db: Workbench) -> None:
    ids = add_players(db, [1, 5, 9])
    transaction = db.on_snapshot()
    middle = Player.by_team_score.eq(team="a").gte(score=4).lte(score=6)
    db.reader(transaction).query(middle).collect()

    assert not transaction.reads.is_touched_by(touched_by(db, ids[0], score=2))
    assert not transaction.reads.is_touched_by(touched_by(db, ids[2], team="b"))
    assert transaction.reads.is_touched_by(touched_by(db, ids[1], score=7))


def test_what_comes_into_a_read_range_touches_it(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    transaction = db.on_snapshot()
    assert db.reader(transaction).query(Player.by_team.eq(team="b")).first() is None

    assert transaction.reads.is_touched_by(touched_by(db, ada, team="b"))


def test_a_change_of_another_field_touches_the_range_of_a_document(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    transaction = db.on_snapshot()
    db.reader(transaction).query(Player.by_team.eq(team="a")).collect()

    assert transaction.reads.is_touched_by(touched_by(db, ada, tags=["x"]))


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_take_reads_about_what_it_returns(db: Workbench, order: Any) -> None:
    ids = add_players(db, list(range(100)))
    if order == "desc":
        ids.reverse()
    transaction = db.on_snapshot()
    players = db.reader(transaction).query(Player.by_team_score.eq(team="a"))
    assert [player.id for player in players.order(order).take(3)] == ids[:3]

    assert transaction.documents_read == 3
    assert not transaction.reads.is_touched_by(touched_by(db, ids[3], tags=["x"]))
    assert transaction.reads.is_touched_by(touched_by(db, ids[2], tags=["x"]))


def test_first_reads_one_document_and_unique_two(db: Workbench) -> None:
    add_players(db, list(range(100)))
    first, unique = db.head(), db.head()
    db.reader(first).query(Player).first()
    db.reader(unique).query(Player.by_team_score.eq(team="a", score=4)).unique()

    assert first.documents_read == 1
    assert unique.documents_read == 1


def test_an_iteration_reads_some_at_a_time(db: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_module, "_SCAN_ROWS", 10)
    ids = add_players(db, list(range(50)))
    transaction = db.on_snapshot()
    players = iter(db.reader(transaction).query(Player.by_team_score))
    assert [next(players).id for _ in range(12)] == ids[:12]

    assert transaction.documents_read == 12
    assert not transaction.reads.is_touched_by(touched_by(db, ids[20], tags=["x"]))
    assert transaction.reads.is_touched_by(touched_by(db, ids[19], tags=["x"]))


def test_an_empty_range_and_no_rows_read_nothing(db: Workbench) -> None:
    transaction = db.head()
    reader = db.reader(transaction)
    reader.query(Player.by_team.gt(team="b").lt(team="b")).collect()
    reader.query(Player).take(0)

    assert list(transaction.reads) == []


def test_the_absence_of_a_table_is_read(db: Workbench) -> None:
    transaction = db.on_snapshot()
    assert db.reader(transaction).table("notes").query().collect() == []

    with db.change() as writer:
        writer.table("notes").insert({"text": "a"})
    (touched,) = db.database.write_log.between(transaction.snapshot.ts, db.published_ts)
    assert touched[TABLE_NAMES_INDEX] == [b"notes"]
    assert transaction.reads.is_touched_by(touched)


# --- Own writes ----------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("rows_at_a_time", [1, 2, 64])
def test_own_writes_are_seen_in_index_order(
    db: Workbench, order: Any, rows_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction_module, "_SCAN_ROWS", rows_at_a_time)
    ids = add_players(db, [10, 20, 30, 40, 50])
    transaction = db.head()
    writer = db.writer(transaction)
    writer.patch(ids[0], score=35)  # Moves up,
    writer.patch(ids[4], score=5)  # moves down,
    writer.delete(ids[1])  # goes,
    writer.patch(ids[2], team="b")  # leaves the range,
    for score in (1, 36, 99):  # and comes.
        writer.insert(Player(name="Bob", team="a", score=score))
    wanted = [1, 5, 35, 36, 40, 99]
    if order == "desc":
        wanted.reverse()
    players = writer.query(Player.by_team_score.eq(team="a")).order(order)

    assert scores_of(players.collect()) == wanted
    for count in range(8):
        assert scores_of(players.take(count)) == wanted[:count]
    assert [player.score for player in players] == wanted


def test_own_writes_are_seen_by_their_ids(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    writer = db.writer(db.head())
    bob = writer.insert(Player(name="Bob"))
    writer.patch(bob, score=3)
    writer.delete(ada)

    found = writer.get(bob)
    assert found is not None
    assert (found.name, found.score) == ("Bob", 3)
    assert writer.get(ada) is None


def test_whoever_changes_a_list_that_was_read_changes_no_document(db: Workbench) -> None:
    transaction = db.head()
    writer = db.writer(transaction)
    ada = writer.insert(Player(name="Ada", tags=["x"]))
    for found in (writer.get(ada), writer.query(Player).first()):
        assert found is not None
        found.tags.append("y")
    db.commit(transaction)
    db.settle()

    assert db.rows(Player)[0]["tags"] == ["x"]


def test_whoever_changes_a_list_after_writing_it_changes_no_document(db: Workbench) -> None:
    tags = ["x"]
    transaction = db.head()
    writer = db.writer(transaction)
    ada = writer.insert(Player(name="Ada", tags=tags))
    tags.append("y")
    writer.patch(ada, tags=tags)
    tags.append("z")
    db.commit(transaction)
    db.settle()

    assert db.rows(Player)[0]["tags"] == ["x", "y"]


def test_a_write_to_a_document_that_does_not_exist_is_refused(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    transaction = db.head()
    transaction.delete(ada)

    with pytest.raises(DocumentNotFoundError, match=f"Update on nonexistent document ID {ada}"):
        transaction.patch(ada, {"score": 1.0})
    with pytest.raises(DocumentNotFoundError, match=f"Replace on nonexistent document ID {ada}"):
        transaction.replace(ada, {"score": 1.0})
    with pytest.raises(DocumentNotFoundError, match=f"Delete on nonexistent document ID {ada}"):
        transaction.delete(ada)


def test_a_patch_keeps_the_other_fields_and_a_replace_does_not(db: Workbench) -> None:
    with db.change() as writer:
        notes = writer.table("notes")
        patched = notes.insert({"a": 1, "b": 2})
        replaced = notes.insert({"a": 1, "b": 2})
        notes.patch(patched, {"b": 3, "c": 4})
        notes.replace(replaced, {"c": 4})

        for id, fields in ((patched, {"a": 1, "b": 3, "c": 4}), (replaced, {"c": 4})):
            found = notes.get(id)
            assert found is not None
            assert {n: v for n, v in found.items() if not n.startswith("_")} == fields


def test_a_patch_can_remove_fields(db: Workbench) -> None:
    transaction = db.head()
    id = transaction.insert("notes", {"a": 1.0, "b": 2.0})
    transaction.patch(id, {"c": 3.0}, frozenset({"a", "never there"}))
    found = transaction.get(id)

    assert found is not None
    assert [name for name in found if not name.startswith("_")] == ["b", "c"]


def test_a_document_over_a_limit_is_refused_and_nothing_is_written(db: Workbench) -> None:
    transaction = db.head()

    with pytest.raises(InvalidValueError, match="too large"):
        transaction.insert("players", {"name": "x" * (1024 * 1024)})
    with pytest.raises(InvalidValueError, match="starts with an underscore"):
        transaction.insert("players", {"_name": "x"})
    assert not transaction.writes


def test_only_at_the_head_can_a_table_be_made(db: Workbench) -> None:
    on_snapshot, at_head = db.on_snapshot(), db.head()

    with pytest.raises(HeadRequiredError, match="table notes"):
        on_snapshot.insert("notes", {})
    at_head.insert("notes", {})
    assert at_head.table("notes") is not None


# --- Reads in the past ---------------------------------------------------------------------


def test_the_past_is_as_it_was(db: Workbench) -> None:
    (ada,) = add_players(db, [1])
    first_ts = db.published_ts
    add_players(db, [2])
    with db.change() as writer:
        writer.patch(ada, score=3)
        writer.insert(Game(winner=ada, points=1.0))
    with db.change() as writer:
        writer.delete(ada)

    past = db.reader(db.past(first_ts))
    found = past.get(ada)
    assert found is not None
    assert found.score == 1
    assert scores_of(past.query(Player.by_team_score.eq(team="a")).collect()) == [1]
    assert past.query(Game).first() is None
