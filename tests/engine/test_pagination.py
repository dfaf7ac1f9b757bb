"""Pages one after the other, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from livefile import (
    InvalidCursorError,
    PaginationError,
    PaginationOptions,
    field,
)
from tests.pages import Order, Query, add_players, all_pages, read_page, scores
from tests.tables import Player
from tests.workbench import Workbench

# --- Pages one after the other ---------------------------------------------------------------


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_follow_each_other_to_the_end(db: Workbench, order: Order) -> None:
    add_players(db, *range(10))
    pages = all_pages(db, 4, order=order)
    wanted = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    if order == "desc":
        wanted = [[9, 8, 7, 6], [5, 4, 3, 2], [1, 0]]

    assert [scores(page) for page in pages] == wanted
    assert [page.is_done for page in pages] == [False, False, True]
    assert [page.page_status for page in pages] == [None, None, None]


def test_a_full_page_does_not_look_whether_more_comes(db: Workbench) -> None:
    add_players(db, 1, 2)
    pages = all_pages(db, 2)

    assert [(scores(page), page.is_done) for page in pages] == [([1, 2], False), ([], True)]


def test_an_empty_range_is_one_page_that_is_done(db: Workbench) -> None:
    (page,) = all_pages(db, 3)

    assert (page.page, page.is_done, page.split_cursor) == ([], True, None)
    after, _ = read_page(db, PaginationOptions(num_items=3, cursor=page.continue_cursor))
    assert (after.page, after.is_done) == ([], True)


def test_equal_positions_are_equal_texts(db: Workbench) -> None:
    add_players(db, *range(6))
    first, _ = read_page(db, PaginationOptions(num_items=4))
    half, _ = read_page(db, PaginationOptions(num_items=2))
    rest, _ = read_page(db, PaginationOptions(num_items=2, cursor=half.continue_cursor))

    assert rest.continue_cursor == first.continue_cursor
    assert all_pages(db, 3)[-1].continue_cursor == all_pages(db, 4)[-1].continue_cursor


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_filter_drops_rows_and_the_page_goes_on_until_it_is_full(
    db: Workbench, order: Order
) -> None:
    add_players(db, *range(20))
    for narrow in (
        lambda query: query.filter(field("score") % 3 == 0),
        lambda query: query.filter(lambda row: row.score % 3 == 0),
    ):
        pages = all_pages(db, 3, order=order, narrow=narrow)
        found = [score for page in pages for score in scores(page)]

        assert found == sorted(range(0, 20, 3), reverse=order == "desc")
        assert [len(page.page) for page in pages] == [3, 3, 1]


def test_a_table_without_documents_yet_has_an_empty_page(db: Workbench) -> None:
    transaction = db.on_snapshot()
    page = db.reader(transaction).table("notes").query().paginate(PaginationOptions(num_items=3))

    assert (page.page, page.is_done) == ([], True)
    with db.change() as writer:
        writer.table("notes").insert({"text": "a"})
    (touched,) = db.database.write_log.between(transaction.snapshot.ts, db.published_ts)
    assert transaction.reads.is_touched_by(touched)
    later = db.on_snapshot()
    later.journal = page.continue_cursor
    again = db.reader(later).table("notes").query().paginate(PaginationOptions(num_items=3))
    assert [row["text"] for row in again.page] == ["a"]


def test_own_writes_are_on_the_page(db: Workbench) -> None:
    ids = add_players(db, 1, 3, 5)
    with db.change() as writer:
        writer.insert(Player(name="Bob", team="a", score=2))
        writer.delete(ids[1])
        page = writer.query(Player.by_team_score).paginate(PaginationOptions(num_items=2))

        assert scores(page) == [1, 2]


# --- What is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (PaginationOptions(num_items=0), "NoDocumentsForPagination", "at least 1 document"),
        (PaginationOptions(num_items=-3), "NoDocumentsForPagination", "got -3"),
        (PaginationOptions(num_items=32_001), "PageSizeTooLarge", "asked for 32001"),
        (
            PaginationOptions(num_items=1, maximum_rows_read=0),
            "InvalidPaginationLimit",
            "maximumRowsRead must be greater than 0, got 0",
        ),
        (
            PaginationOptions(num_items=1, maximum_bytes_read=-1),
            "InvalidPaginationLimit",
            "maximumBytesRead must be greater than 0, got -1",
        ),
        ({"numItems": 3}, "InvalidPaginationOptions", "paginate takes PaginationOptions, got dict"),
    ],
)
def test_options_that_no_page_has_are_refused(
    db: Workbench, options: Any, code: str, text: str
) -> None:
    with pytest.raises(PaginationError, match=text) as raised:
        read_page(db, options)

    assert raised.value.code == code


def test_a_function_reads_one_page(db: Workbench) -> None:
    add_players(db, 1, 2)
    transaction = db.on_snapshot()
    reader = db.reader(transaction)
    page = reader.query(Player).paginate(PaginationOptions(num_items=1))

    with pytest.raises(PaginationError, match="a second time") as raised:
        reader.table("players").query().paginate(PaginationOptions(num_items=1))
    assert raised.value.code == "MultiplePaginatedDatabaseQueries"
    # Another function of the same call may, but the call's journal is that of the first page.
    db.reader(transaction).query(Player).order("desc").paginate(PaginationOptions(num_items=1))
    assert transaction.journal == page.continue_cursor


@pytest.mark.parametrize(
    "other",
    [
        lambda query: query.order("desc"),
        lambda query: query.filter(field("score") > 0),
        lambda query: replace(query, _interval=Player.by_team_score.eq(team="b").interval()),
        lambda query: replace(query, _index="by_team"),
    ],
)
def test_the_cursor_of_another_query_is_refused(db: Workbench, other: Query) -> None:
    add_players(db, 1, 2, 3)
    cursor = read_page(db, PaginationOptions(num_items=1))[0].continue_cursor

    for options, journal in (
        (PaginationOptions(num_items=1, cursor=cursor), None),
        (PaginationOptions(num_items=1, end_cursor=cursor), None),
        (PaginationOptions(num_items=1), cursor),
    ):
        with pytest.raises(InvalidCursorError):
            read_page(db, options, narrow=other, journal=journal)


def test_a_function_as_filter_is_not_part_of_the_cursor(db: Workbench) -> None:
    add_players(db, 1, 2, 3)
    cursor = read_page(db, PaginationOptions(num_items=1))[0].continue_cursor
    options = PaginationOptions(num_items=9, cursor=cursor)
    page, _ = read_page(db, options, narrow=lambda query: query.filter(lambda row: row.score > 2))

    assert scores(page) == [3]
