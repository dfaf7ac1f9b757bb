"""Own writes in index order, also those made between two rows, against a sorted list."""

from collections.abc import Iterator
from random import Random
from typing import Any, Literal

import pytest

from livefile import Id
from livefile.functions.database import DatabaseWriter
from livefile.transaction import transaction as transaction_module
from tests.tables import Player
from tests.workbench import Workbench

SEEDS_COUNT = 60
RANGE_END = 12

Order = Literal["asc", "desc"]
Place = tuple[int, float, str]
"""Where a player is in ``by_team_score``: the score, the creation time, the id."""


def add_players(db: Workbench, *scores: int) -> list[Id[Player]]:
    with db.change() as writer:
        return [writer.insert(Player(name="Ada", team="a", score=score)) for score in scores]


def scores_while(rows: Iterator[Player], change: Any, at: int) -> list[int]:
    """Return all scores of an iteration that is interrupted by ``change`` at a score."""
    seen = []
    for row in rows:
        seen.append(row.score)
        if row.score == at:
            change()
    return seen


@pytest.fixture(params=[1, 3, 64])
def rows_at_a_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(transaction_module, "_SCAN_ROWS", request.param)
    return int(request.param)


@pytest.mark.usefixtures("rows_at_a_time")
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_document_deleted_in_the_loop_does_not_come_any_more(db: Workbench, order: Order) -> None:
    ids = add_players(db, 1, 2, 3, 4, 5)
    with db.change() as writer:
        rows = iter(writer.query(Player.by_team_score).order(order))
        seen = scores_while(rows, lambda: writer.delete(ids[3 if order == "asc" else 1]), at=3)

    assert seen == ([1, 2, 3, 5] if order == "asc" else [5, 4, 3, 1])


@pytest.mark.usefixtures("rows_at_a_time")
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_document_inserted_in_the_loop_comes_if_it_is_ahead(db: Workbench, order: Order) -> None:
    add_players(db, 10, 20, 30)

    def insert_around(writer: DatabaseWriter) -> None:
        for score in (15, 25, 5, 35):
            writer.insert(Player(name="Bob", team="a", score=score))

    with db.change() as writer:
        rows = iter(writer.query(Player.by_team_score).order(order))
        seen = scores_while(rows, lambda: insert_around(writer), at=20)

    assert seen == ([10, 20, 25, 30, 35] if order == "asc" else [30, 20, 15, 10, 5])


@pytest.mark.usefixtures("rows_at_a_time")
def test_a_document_that_moves_ahead_comes_again_and_one_that_moves_behind_does_not(
    db: Workbench,
) -> None:
    ids = add_players(db, 10, 20, 30, 40)
    with db.change() as writer:
        seen = []
        for row in writer.query(Player.by_team_score):
            seen.append(row.score)
            if row.score == 10:
                writer.patch(row.id, score=25)
                writer.patch(ids[3], score=5)

    assert seen == [10, 20, 25, 30]


@pytest.mark.usefixtures("rows_at_a_time")
def test_a_row_shows_what_the_loop_made_of_it(db: Workbench) -> None:
    ids = add_players(db, 1, 2, 3)
    with db.change() as writer:
        names = []
        for row in writer.query(Player.by_team_score):
            names.append(row.name)
            writer.patch(ids[2], name="Grace")  # No field of the index: it stays in its place.

    assert names == ["Ada", "Ada", "Grace"]


@pytest.mark.usefixtures("rows_at_a_time")
def test_what_a_failed_part_of_the_loop_wrote_is_gone(db: Workbench) -> None:
    ids = add_players(db, 1, 2, 3)
    transaction = db.head()
    writer = db.writer(transaction)
    writer.patch(ids[0], tags=["x"])
    seen = []
    for row in writer.query(Player.by_team_score):
        seen.append(row.score)
        mark = transaction.writes.mark()
        writer.delete(ids[2])
        writer.insert(Player(name="Bob", team="a", score=2))
        transaction.writes.roll_back(mark)

    assert seen == [1, 2, 3]


@pytest.mark.usefixtures("rows_at_a_time")
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_loop_goes_on_after_rows_that_it_met_were_taken_back(db: Workbench, order: Order) -> None:
    ids = add_players(db, 10, 20, 30)
    transaction = db.head()
    writer = db.writer(transaction)
    mark = transaction.writes.mark()
    writer.insert(Player(name="Bob", team="a", score=15))
    writer.insert(Player(name="Bob", team="a", score=25))
    writer.patch(ids[1], tags=["x"])  # No field of the index: it stays in its place.
    rows = iter(writer.query(Player.by_team_score).order(order))
    met = [next(rows).score for _ in range(3)]
    transaction.writes.roll_back(mark)
    for score in (17, 18, 19, 22, 23):  # More than were taken back.
        writer.insert(Player(name="Eve", team="a", score=score))
    rest = [row.score for row in rows]

    if order == "asc":
        assert (met, rest) == ([10, 15, 20], [22, 23, 30])
    else:
        assert (met, rest) == ([30, 25, 20], [19, 18, 17, 10])


def test_a_loop_may_write_to_every_row_it_meets(db: Workbench) -> None:
    add_players(db, *range(300))
    with db.change() as writer:
        for row in writer.query(Player.by_team_score):
            writer.patch(row.id, tags=[str(row.score)])

    rows = db.rows(Player)
    assert [row["tags"] for row in rows] == [[str(n)] for n in range(300)]


def test_by_id_is_read_in_the_order_of_ids_with_own_writes_in_it(db: Workbench) -> None:
    ids = add_players(db, *range(20))
    with db.change() as writer:
        ids += [writer.insert(Player(name="Bob", score=score)) for score in range(20, 30)]
        writer.delete(ids.pop(3))
        writer.patch(ids[4], score=99)
        wanted = sorted(ids)

        assert [row.id for row in writer.query(Player.by_id)] == wanted
        assert [row.id for row in writer.query(Player.by_id).order("desc")] == wanted[::-1]
        assert [row.id for row in writer.query(Player.by_id).take(4)] == wanted[:4]
        found = writer.query(Player.by_id.gt(id=wanted[5]).lte(id=wanted[9]))
        assert [row.id for row in found] == wanted[6:10]


class Model:
    """The players of one team as a list, and what an iteration over it should give."""

    def __init__(self, writer: DatabaseWriter, is_descending: bool) -> None:
        self.writer = writer
        self.is_descending = is_descending
        self.places: dict[Id[Player], Place] = {}

    def insert(self, score: int) -> None:
        id = self.writer.insert(Player(name="x", team="a", score=score))
        row = self.writer.get(id)
        assert row is not None
        self.places[id] = (score, row.creation_time, id)

    def change(self, dice: Random) -> None:
        """Do something random to a random document, or add one."""
        id = dice.choice(sorted(self.places)) if self.places else None
        what = dice.choice(["insert", "delete", "move", "touch"])
        if id is None or what == "insert":
            self.insert(dice.randrange(RANGE_END + 4))
        elif what == "delete":
            self.writer.delete(id)
            del self.places[id]
        elif what == "move":
            score = dice.randrange(RANGE_END + 4)
            self.writer.patch(id, score=score)
            self.places[id] = (score, self.places[id][1], id)
        else:
            self.writer.patch(id, tags=[str(dice.random())])

    def after(self, place: Place | None) -> Id[Player] | None:
        """Return the next document of the range after a place."""
        inside = {id: p for id, p in self.places.items() if p[0] < RANGE_END}
        if self.is_descending:
            ahead = [(p, id) for id, p in inside.items() if place is None or p < place]
            return max(ahead)[1] if ahead else None
        ahead = [(p, id) for id, p in inside.items() if place is None or p > place]
        return min(ahead)[1] if ahead else None


def test_every_row_is_the_next_one_of_the_moment(
    db: Workbench, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = Random(seed)
    monkeypatch.setattr(transaction_module, "_SCAN_ROWS", dice.choice([1, 2, 5, 64]))
    order: Order = dice.choice(["asc", "desc"])
    for _ in range(dice.randrange(15)):
        add_players(db, dice.randrange(RANGE_END + 4))
    with db.change() as writer:
        model = Model(writer, order == "desc")
        for row in writer.query(Player):
            model.places[row.id] = (row.score, row.creation_time, row.id)
        for _ in range(dice.randrange(6)):
            model.change(dice)
        place: Place | None = None
        query = writer.query(Player.by_team_score.eq(team="a").lt(score=RANGE_END)).order(order)
        for count, row in enumerate(query):
            assert row.id == model.after(place)
            place = model.places[row.id]
            assert (row.score, row.creation_time, row.id) == place
            for _ in range(dice.choice([0, 0, 1, 4]) if count < 200 else 0):
                model.change(dice)
        assert model.after(place) is None
