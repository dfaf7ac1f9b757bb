"""Pages of one team's players by score, for tests of pagination.

Each is read on a snapshot of its own, as by a call.
"""

from collections.abc import Callable
from typing import Any, Literal

from livefile import (
    Id,
    PaginationOptions,
    PaginationResult,
)
from livefile.functions.table_query import TableQuery
from livefile.model.document_id import decode_document_id
from livefile.model.index_key import document_key
from livefile.transaction.read_set import ReadSet
from livefile.transaction.transaction import Transaction
from tests.tables import Player
from tests.workbench import Workbench

Order = Literal["asc", "desc"]
Query = Callable[[TableQuery[Player]], TableQuery[Player]]


def add_players(db: Workbench, *scores: int, team: str = "a") -> list[Id[Player]]:
    with db.change() as writer:
        return [writer.insert(Player(name="Ada", team=team, score=score)) for score in scores]


def read_page(
    db: Workbench,
    options: PaginationOptions,
    order: Order = "asc",
    journal: str | None = None,
    narrow: Query = lambda query: query,
) -> tuple[PaginationResult[Player], Transaction]:
    """Read one page of team a's players by score, on a snapshot of its own."""
    transaction = db.on_snapshot()
    transaction.journal = journal
    query = db.reader(transaction).query(Player.by_team_score.eq(team="a")).order(order)
    page = narrow(query).paginate(options)
    db.give_back(transaction)
    return page, transaction


def all_pages(db: Workbench, num_items: int, **how: Any) -> list[PaginationResult[Player]]:
    """Read pages of one size to the end."""
    pages: list[PaginationResult[Player]] = []
    cursor = None
    while not pages or not pages[-1].is_done:
        page, _ = read_page(db, PaginationOptions(num_items=num_items, cursor=cursor), **how)
        pages.append(page)
        cursor = page.continue_cursor
    return pages


def scores(page: PaginationResult[Player]) -> list[int]:
    return [row.score for row in page.page]


def key_of(db: Workbench, id: Id[Player]) -> bytes:
    """Return the key of a player in the index of the pages."""
    (row,) = [row for row in db.rows(Player) if row["_id"] == id]
    paths = [("team",), ("score",)]
    return document_key(row, paths, decode_document_id(id)[1])


def touched_by_insert(db: Workbench, reads: ReadSet, score: int) -> bool:
    """Insert a player and return whether that touched what was read."""
    before_ts = db.published_ts
    add_players(db, score)
    (touched,) = db.database.write_log.between(before_ts, db.published_ts)
    return reads.is_touched_by(touched)
