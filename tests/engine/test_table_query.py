from collections.abc import Callable
from itertools import islice
from random import Random
from typing import Any

import pytest

from livefile import (
    MISSING,
    DefinitionError,
    FilterError,
    Id,
    IndexRangeError,
    NotUniqueError,
    Table,
    field,
    index,
)
from livefile.functions.table_query import TableQuery
from livefile.transaction.transaction import Transaction
from tests.tables import Player
from tests.workbench import Workbench

SEEDS_COUNT = 8


def fill(db: Workbench, *scores: int, team: str = "red") -> list[Id[Player]]:
    ids = []
    for score in scores:
        with db.change() as writer:
            ids.append(writer.insert(Player(name=f"of {score}", team=team, score=score)))
        db.clock.advance_ms(1)
    return ids


def scores(rows: list[Player]) -> list[int]:
    return [row.score for row in rows]


def documents_read(transaction: Transaction) -> int:
    return transaction.documents_read


def test_a_whole_table_is_read_oldest_first(db: Workbench) -> None:
    fill(db, 3, 1, 2)
    query = db.reader(db.on_snapshot()).query(Player)

    assert scores(query.collect()) == [3, 1, 2]
    assert scores(query.order("asc").collect()) == [3, 1, 2]
    assert scores(query.order("desc").collect()) == [2, 1, 3]


def test_an_index_is_read_in_its_order_and_against_it(db: Workbench) -> None:
    fill(db, 3, 1, 2)
    query = db.reader(db.on_snapshot()).query(Player.by_team_score.eq(team="red"))

    assert scores(query.collect()) == [1, 2, 3]
    assert scores(query.order("desc").collect()) == [3, 2, 1]
    assert scores(query.order("desc").order("asc").collect()) == [1, 2, 3]


def test_documents_that_are_equal_in_the_index_come_oldest_first(db: Workbench) -> None:
    ids = fill(db, 5, 5, 5)
    query = db.reader(db.on_snapshot()).query(Player.by_team_score.eq(team="red", score=5))

    assert [row.id for row in query] == ids
    assert [row.id for row in query.order("desc")] == ids[::-1]


def test_a_query_is_a_value_that_can_be_used_again(db: Workbench) -> None:
    fill(db, 1, 2)
    query = db.reader(db.on_snapshot()).query(Player)
    query.order("desc")

    assert scores(query.take(1)) == [1]
    assert scores(query.take(1)) == [1]
    assert scores(query.collect()) == [1, 2]


@pytest.mark.parametrize(("count", "wanted"), [(0, []), (1, [1]), (2, [1, 2]), (9, [1, 2, 3])])
def test_take_gives_as_many_as_there_are(db: Workbench, count: int, wanted: list[int]) -> None:
    fill(db, 1, 2, 3)

    assert scores(db.reader(db.on_snapshot()).query(Player).take(count)) == wanted


@pytest.mark.parametrize("count", [-1, 1.0, "1", None, True])
def test_take_wants_a_whole_number(db: Workbench, count: Any) -> None:
    with pytest.raises(IndexRangeError, match=r"take\(.*\): want a whole number, 0 or more"):
        db.reader(db.on_snapshot()).query(Player).take(count)


@pytest.mark.parametrize("order", ["up", "ASC", "", None, 1])
def test_there_are_two_orders(db: Workbench, order: Any) -> None:
    with pytest.raises(IndexRangeError, match='want "asc" or "desc"'):
        db.reader(db.on_snapshot()).query(Player).order(order)


def test_first_is_the_first_or_none(db: Workbench) -> None:
    fill(db, 1, 2)
    reader = db.reader(db.on_snapshot())
    first = reader.query(Player).order("desc").first()

    assert first is not None
    assert first.score == 2
    assert reader.query(Player.by_team.eq(team="blue")).first() is None


def test_unique_is_the_only_one_or_none(db: Workbench) -> None:
    fill(db, 1, 2)
    reader = db.reader(db.on_snapshot())
    only = reader.query(Player.by_team_score.eq(team="red", score=2)).unique()

    assert only is not None
    assert only.score == 2
    assert reader.query(Player.by_team.eq(team="blue")).unique() is None
    with pytest.raises(NotUniqueError, match="more than one result from table players"):
        reader.query(Player.by_team.eq(team="red")).unique()


@pytest.mark.parametrize(
    ("read", "count"),
    [
        (lambda query: query.take(10), 10),
        (lambda query: query.first(), 1),
        (lambda query: query.order("asc"), 0),
        (lambda query: query.order("desc").take(3), 3),
        (lambda query: query.take(0), 0),
        (lambda query: query.collect(), 300),
        (lambda query: list(islice(query, 5)), 5),
    ],
)
def test_only_what_is_asked_for_is_read(
    db: Workbench, read: Callable[[TableQuery[Player]], object], count: int
) -> None:
    with db.change() as writer:
        for number in range(300):
            writer.insert(Player(name="x", score=number))
    transaction = db.on_snapshot()
    read(db.reader(transaction).query(Player))

    assert documents_read(transaction) == count


@pytest.mark.parametrize(
    "condition",
    [(field("score") % 3 == 1) & (field("team") == "red"), lambda row: row.score % 3 == 1],
)
def test_a_filter_drops_what_does_not_meet_it(db: Workbench, condition: Any) -> None:
    fill(db, *range(12))
    query = db.reader(db.on_snapshot()).query(Player.by_team_score).filter(condition)

    assert scores(query.collect()) == [1, 4, 7, 10]
    assert scores(query.order("desc").take(3)) == [10, 7, 4]
    assert scores(query.take(0)) == []
    assert [row.score for row in query] == [1, 4, 7, 10]
    first = query.first()
    assert first is not None
    assert first.score == 1
    only = query.filter(field("score") > 7).unique()
    assert only is not None
    assert only.score == 10
    assert query.filter(field("score") > 99).unique() is None
    with pytest.raises(NotUniqueError):
        query.unique()


def test_filters_are_asked_one_after_the_other(db: Workbench) -> None:
    fill(db, 1, 2, 3)
    asked: list[int] = []

    def is_asked(row: Player) -> bool:
        asked.append(row.score)
        return True

    query = db.reader(db.on_snapshot()).query(Player).filter(field("score") > 1).filter(is_asked)
    query = query.filter(field("score") < 3)

    assert scores(query.collect()) == [2]
    assert asked == [2, 3]


def test_a_filter_reads_up_to_the_last_that_it_needs(db: Workbench) -> None:
    with db.change() as writer:
        for number in range(300):
            writer.insert(Player(name="x", score=number))
    transaction = db.on_snapshot()
    query = db.reader(transaction).query(Player).filter(field("score") >= 10)

    assert scores(query.take(2)) == [10, 11]
    assert documents_read(transaction) == 12


def test_a_table_without_types_is_filtered_by_its_stored_fields(db: Workbench) -> None:
    with db.change() as writer:
        writer.table("notes").insert({"text": "a", "at": {"x": 1}})
        writer.table("notes").insert({"text": "b"})
        query = writer.table("notes").query()

        assert [row["text"] for row in query.filter(field("at.x") == 1)] == ["a"]
        assert [row["text"] for row in query.filter(field("at") == MISSING)] == ["b"]
        assert [row["text"] for row in query.filter(lambda row: "at" in row)] == ["a"]


def test_a_query_has_so_many_filters_and_no_more(db: Workbench) -> None:
    fill(db, 1)
    query = db.reader(db.on_snapshot()).query(Player)
    for _ in range(256):
        query = query.filter(field("score") == 1)

    assert scores(query.collect()) == [1]
    with pytest.raises(FilterError, match=r"^Query has too many operators: 257$"):
        query.filter(field("score") == 1)


def test_what_is_no_condition_is_refused(db: Workbench) -> None:
    query = db.reader(db.on_snapshot()).query(Player)

    for wrong in (True, "score > 3", None):
        with pytest.raises(FilterError, match="want an expression such as"):
            query.filter(wrong)  # type: ignore[arg-type]  # The test's point.
    with pytest.raises(FilterError, match="has no field 'socre'"):
        query.filter(field("socre") > 3)


def test_own_writes_are_seen_in_their_place(db: Workbench) -> None:
    ids = fill(db, 1, 3, 5)
    with db.change() as writer:
        writer.insert(Player(name="new", team="red", score=4))
        writer.patch(ids[0], score=9)
        writer.delete(ids[1])

        query = writer.query(Player.by_team_score.eq(team="red"))

        assert scores(query.collect()) == [4, 5, 9]
        assert scores(query.order("desc").take(2)) == [9, 5]
        assert scores(writer.query(Player).collect()) == [9, 5, 4]


def test_what_is_written_while_iterating_does_not_disturb_the_iteration(db: Workbench) -> None:
    fill(db, *range(200))
    with db.change() as writer:
        seen = []
        for row in writer.query(Player.by_team_score.eq(team="red").lt(score=1000)):
            seen.append(row.score)
            writer.patch(row.id, score=row.score + 1000)

    assert seen == list(range(200))
    assert {row["score"] for row in db.rows(Player)} == {n + 1000.0 for n in range(200)}


def test_a_query_reads_the_state_of_the_moment_it_is_run(db: Workbench) -> None:
    with db.change() as writer:
        query = writer.query(Player)
        assert query.collect() == []
        writer.insert(Player(name="x"))

        assert len(query.collect()) == 1


def test_every_way_to_read_agrees_with_a_sorted_list(db: Workbench, seed: int) -> None:
    dice = Random(seed)
    fill(db, *(dice.randrange(8) for _ in range(dice.randrange(1, 90))))
    low, high = sorted(dice.choices(range(9), k=2))
    reader = db.reader(db.on_snapshot())
    query = reader.query(Player.by_team_score.eq(team="red").gte(score=low).lt(score=high))
    wanted = sorted(
        (row for row in reader.query(Player) if low <= row.score < high),
        key=lambda row: (row.score, row.creation_time),
    )
    count = dice.randrange(100)

    assert query.collect() == wanted
    assert query.order("desc").collect() == wanted[::-1]
    assert query.take(count) == wanted[:count]
    assert query.order("desc").take(count) == wanted[::-1][:count]
    assert query.first() == next(iter(wanted), None)


def test_collecting_gives_what_iterating_gives_however_many_there_are(db: Workbench) -> None:
    with db.change() as writer:
        for number in range(300):
            writer.insert(Player(name="x", score=number))
    query = db.reader(db.on_snapshot()).query(Player)

    assert scores(query.collect()) == [row.score for row in query] == list(range(300))
    assert scores(query.order("desc").collect()) == list(reversed(range(300)))


def test_an_index_that_the_file_does_not_have_is_named() -> None:
    class Plain(Table, name="plain"):
        text: str

    class Indexed(Table, name="plain"):
        text: str
        by_text = index("text")

    with Workbench(Plain) as bench:
        reader = bench.reader(bench.on_snapshot())
        with pytest.raises(DefinitionError, match=r"Index plain\.by_text not found"):
            reader.query(Indexed.by_text.eq(text="x")).collect()
