"""All pages that a client shows: without gaps while rows come and go inside and between them."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from livefile import (
    PaginationOptions,
    PaginationResult,
    field,
)
from livefile.transaction.read_set import ReadSet
from tests.pages import Order, Query, add_players, read_page
from tests.tables import Player
from tests.workbench import Workbench

SEEDS_COUNT = 40


@dataclass
class ShownPage:
    """A page as a client holds it: its options, its newest result, and its journal."""

    options: PaginationOptions
    result: PaginationResult[Player]
    reads: ReadSet
    journal: str | None


class Client:
    """Loads pages, runs touched ones again, splits long ones; as npm's client and server do."""

    def __init__(self, db: Workbench, order: Order, narrow: Query, num_items: int) -> None:
        self.db = db
        self.how: dict[str, Any] = {"order": order, "narrow": narrow}
        self.num_items = num_items
        self.pages = [self.load(PaginationOptions(num_items=num_items))]

    def load(self, options: PaginationOptions, journal: str | None = None) -> ShownPage:
        result, run = read_page(self.db, options, journal=journal, **self.how)
        return ShownPage(options, result, run.reads, run.journal)

    def load_more(self) -> None:
        last = self.pages[-1].result
        if not last.is_done:
            options = PaginationOptions(num_items=self.num_items, cursor=last.continue_cursor)
            self.pages.append(self.load(options))

    def split(self, number: int) -> None:
        page = self.pages[number]
        middle = page.result.split_cursor
        if middle is not None:
            end = page.result.continue_cursor
            self.pages[number : number + 1] = [
                self.load(replace(page.options, end_cursor=middle)),
                self.load(replace(page.options, cursor=middle, end_cursor=end)),
            ]

    def catch_up(self, since_ts: int) -> None:
        """Run what the commits since then touched; the others must be as they were."""
        commits = list(self.db.database.write_log.between(since_ts, self.db.published_ts))
        for number, page in enumerate(self.pages):
            again = self.load(page.options, page.journal)
            is_touched = any(page.reads.is_touched_by(writes) for writes in commits)
            assert is_touched or again.result == page.result
            self.pages[number] = again

    def rows(self) -> list[Player]:
        return [row for page in self.pages for row in page.result.page]


def test_pages_stay_gapless_while_rows_come_and_go(db: Workbench, seed: int) -> None:
    dice = Random(seed)
    order: Order = dice.choice(["asc", "desc"])
    narrow: Query = dice.choice(
        [lambda query: query, lambda query: query.filter(field("score") % 2 == 0)]
    )
    ids = add_players(db, *(dice.randrange(50) for _ in range(dice.randrange(40))))
    client = Client(db, order, narrow, dice.randrange(1, 7))
    for _ in range(30):
        since_ts = db.published_ts
        match dice.randrange(6):
            case 0:
                client.load_more()
            case 1:
                client.split(dice.randrange(len(client.pages)))
            case 2 | 3:
                ids += add_players(db, *(dice.randrange(50) for _ in range(dice.randrange(1, 5))))
            case _ if ids:
                with db.change() as writer:
                    for id in {dice.choice(ids) for _ in range(dice.randrange(1, 4))}:
                        if dice.randrange(2):
                            writer.delete(id)
                            ids.remove(id)
                        else:
                            writer.patch(id, score=dice.randrange(50))
        client.catch_up(since_ts)

        transaction = db.on_snapshot()
        query = db.reader(transaction).query(Player.by_team_score.eq(team="a")).order(order)
        whole = narrow(query).collect()
        db.give_back(transaction)
        shown = client.rows()
        assert shown == whole[: len(shown)]
        assert not client.pages[-1].result.is_done or shown == whole
