"""Validation of transactions, and groups as the committer has them."""

import pytest

from livefile import ConflictError, Id, LogTrimmedError, Table
from livefile.functions.database import DatabaseWriter
from livefile.transaction import write_log as write_log_module
from tests.tables import Game, Player
from tests.workbench import NO_CALL, Workbench


class Note(Table, name="notes"):
    text: str


def add_player(db: Workbench, score: int = 0, team: str | None = "a") -> Id[Player]:
    db.clock.advance_ms(1)  # Later players are the younger ones.
    with db.change() as writer:
        return writer.insert(Player(name="Ada", team=team, score=score))


def total(db: DatabaseWriter) -> int:
    return sum(player.score for player in db.query(Player.by_team.eq(team="a")))


# --- Validation ----------------------------------------------------------------------------


def test_a_snapshot_that_was_overtaken_conflicts_and_writes_nothing(db: Workbench) -> None:
    ada = add_player(db)
    first, second = db.on_snapshot(), db.on_snapshot()
    for transaction, name in ((first, "first"), (second, "second")):
        writer = db.writer(transaction)
        found = writer.get(ada)
        assert found is not None
        writer.replace(ada, Player(name=name, score=found.score + 1))
    db.commit(first)

    with pytest.raises(ConflictError):
        db.commit(second)
    db.settle()
    assert [(row["name"], row["score"]) for row in db.rows(Player)] == [("first", 1.0)]


def test_a_transaction_at_the_head_cannot_conflict(db: Workbench) -> None:
    ada = add_player(db)
    for count in range(1, 4):  # All in one group: each sees the one before.
        transaction = db.head()
        writer = db.writer(transaction)
        found = writer.get(ada)
        assert found is not None
        assert found.score == count - 1
        writer.patch(ada, score=count)
        db.commit(transaction)
    db.settle()

    assert db.rows(Player)[0]["score"] == 3.0


def test_a_row_that_came_into_a_range_is_a_conflict(db: Workbench) -> None:
    """Write skew: both read the sum of a team, and each adds a player that depends on it."""
    add_player(db, score=1)
    first, second = db.on_snapshot(), db.on_snapshot()
    for transaction in (first, second):
        writer = db.writer(transaction)
        writer.insert(Player(name="sum", team="a", score=total(writer)))
    db.commit(first)

    with pytest.raises(ConflictError):
        db.commit(second)


def test_transactions_that_do_not_meet_both_commit(db: Workbench) -> None:
    ada, bob = add_player(db), add_player(db)
    first, second = db.on_snapshot(), db.on_snapshot()
    db.writer(first).patch(ada, score=1)
    db.writer(second).patch(bob, score=2)

    assert db.commit(first) < db.commit(second)
    db.settle()
    assert [row["score"] for row in db.rows(Player)] == [1.0, 2.0]


def test_a_commit_conflicts_before_it_is_durable(db: Workbench) -> None:
    ada = add_player(db)
    on_snapshot, at_head = db.on_snapshot(), db.head()
    db.writer(on_snapshot).patch(ada, score=1)
    db.writer(at_head).patch(ada, score=2)
    db.commit(at_head)

    with pytest.raises(ConflictError):
        db.commit(on_snapshot)


def test_a_commit_that_was_rolled_back_is_no_conflict(db: Workbench) -> None:
    ada = add_player(db)
    on_snapshot, at_head = db.on_snapshot(), db.head()
    db.writer(on_snapshot).patch(ada, score=1)
    db.writer(at_head).patch(ada, score=2)
    db.commit(at_head)
    db.database.committer.roll_back()
    db.commit(on_snapshot)
    db.settle()

    assert db.rows(Player)[0]["score"] == 1.0


def test_a_transaction_that_only_reads_is_validated_and_leaves_no_commit(db: Workbench) -> None:
    ada = add_player(db)
    current, overtaken = db.on_snapshot(), db.on_snapshot()
    for transaction in (current, overtaken):
        db.reader(transaction).get(ada)
    commits_count = len(db.commits())

    assert db.commit(current) == current.snapshot.ts
    with db.change() as writer:
        writer.patch(ada, score=1)
    with pytest.raises(ConflictError):
        db.commit(overtaken)
    assert len(db.commits()) == commits_count + 1


def test_a_snapshot_older_than_the_write_log_begins_again(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_log_module, "WRITE_LOG_COMMITS_MAX", 4)
    old = db.on_snapshot()
    db.writer(old).insert(Player(name="old"))
    for _ in range(10):
        add_player(db)

    with pytest.raises(LogTrimmedError):
        db.commit(old)


def test_a_transaction_from_before_a_change_of_the_schema_conflicts(db: Workbench) -> None:
    """What it wrote was checked against other validators and knows nothing of new defaults."""
    overtaken, only_reading = db.on_snapshot(), db.on_snapshot()
    db.writer(overtaken).insert(Player(name="Ada"))
    db.declare(Player, Game, Note)

    for transaction in (overtaken, only_reading):
        with pytest.raises(ConflictError):
            db.commit(transaction)
    assert db.rows(Player) == []


def test_a_change_of_the_schema_that_was_rolled_back_is_no_conflict(db: Workbench) -> None:
    add_player(db)
    other = db.on_snapshot()
    db.database.committer.change_catalog(lambda connection, catalog: None, NO_CALL, is_switch=True)
    db.database.committer.roll_back()
    db.commit(other)

    add_player(db)
    assert len(db.rows(Player)) == 2


# --- Tables without a schema ---------------------------------------------------------------


def test_a_failed_transaction_leaves_no_table(db: Workbench) -> None:
    failed = db.head()
    db.writer(failed).table("notes").insert({"text": "a"})
    db.settle()
    assert "notes" not in db.database.catalog.tables

    failed = db.head()
    db.writer(failed).table("notes").insert({"text": "a"})
    with db.change() as writer:
        writer.insert(Player(name="Ada"))
    assert "notes" not in db.database.catalog.tables


def test_a_table_is_announced_by_the_commit_that_fills_it(db: Workbench) -> None:
    watching = db.on_snapshot()
    assert db.reader(watching).table("notes").query().first() is None
    failed = db.head()
    db.writer(failed).table("notes").insert({"text": "a"})
    with db.change() as writer:
        writer.table("notes").insert({"text": "b"})

    with pytest.raises(ConflictError):
        db.commit(watching)


def test_a_table_that_a_schema_brings_is_announced(db: Workbench) -> None:
    watching = db.on_snapshot()
    assert db.reader(watching).table("notes").query().first() is None
    db.declare(Player, Game, Note)

    (touched,) = db.database.write_log.between(watching.snapshot.ts, db.published_ts)
    assert watching.reads.is_touched_by(touched)


def test_a_setting_outlives_a_failed_transaction_of_its_group(db: Workbench) -> None:
    failed = db.head()
    db.writer(failed).table("notes").insert({"text": "a"})
    db.database.committer.write_setting("key", b"value")
    db.settle()

    assert db.database.read_setting("key") == b"value"


# --- Creation times ------------------------------------------------------------------------


@pytest.mark.parametrize("step_ms", [0, -5])
def test_creation_times_rise_though_the_clock_does_not(db: Workbench, step_ms: int) -> None:
    for name in ("first", "second", "third"):
        with db.change() as writer:
            writer.insert(Player(name=f"{name} a", team="a", score=0))
            writer.insert(Player(name=f"{name} b", team="a", score=0))
        db.clock.advance_ms(step_ms)

    with db.change() as reader:
        players = reader.query(Player.by_team.eq(team="a")).collect()
    times = [player.creation_time for player in players]
    assert times == sorted(set(times))
    assert [player.name for player in players] == [
        f"{name} {part}" for name in ("first", "second", "third") for part in "ab"
    ]
