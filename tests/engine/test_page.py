"""One page: what it keeps, what it depends on, and its limits."""

from dataclasses import replace

import pytest

from livefile import (
    FilterError,
    PaginationOptions,
    TransactionLimitError,
    field,
)
from livefile.model.interval import Interval
from livefile.transaction import page as page_module
from livefile.transaction import transaction as transaction_module
from tests.pages import (
    Order,
    Query,
    add_players,
    all_pages,
    key_of,
    read_page,
    scores,
    touched_by_insert,
)
from tests.tables import Player
from tests.workbench import Workbench

# --- What a page keeps and what it depends on ------------------------------------------------


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_with_its_journal_keeps_its_end(db: Workbench, order: Order) -> None:
    ids = add_players(db, 10, 20, 30, 40)
    options = PaginationOptions(num_items=2)
    first, run = read_page(db, options, order)
    assert run.journal == first.continue_cursor
    with db.change() as writer:
        writer.delete(ids[0] if order == "asc" else ids[3])
    add_players(db, 5, 15, 17, 35, 45)
    again, run = read_page(db, options, order, run.journal)

    wanted = [5, 15, 17, 20] if order == "asc" else [45, 35, 30]
    assert scores(again) == wanted
    assert again.continue_cursor == first.continue_cursor == run.journal
    assert not again.is_done


def test_the_last_page_keeps_what_comes_later(db: Workbench) -> None:
    add_players(db, 1)
    options = PaginationOptions(num_items=5)
    _, run = read_page(db, options)
    add_players(db, *range(2, 12))
    page, _ = read_page(db, options, journal=run.journal)

    assert scores(page) == list(range(1, 12))
    assert page.is_done


def test_an_end_cursor_goes_before_the_journal_and_all_numbers(db: Workbench) -> None:
    add_players(db, *range(10))
    whole, run = read_page(db, PaginationOptions(num_items=9))
    half, _ = read_page(db, PaginationOptions(num_items=4))
    options = PaginationOptions(
        num_items=1, end_cursor=half.continue_cursor, maximum_rows_read=1, maximum_bytes_read=1
    )
    page, _ = read_page(db, options, journal=run.journal)

    assert scores(page) == [0, 1, 2, 3]
    assert page.page_status is None
    assert page.continue_cursor == half.continue_cursor != whole.continue_cursor


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    "narrow", [lambda query: query, lambda query: query.filter(field("score") > 0)]
)
def test_a_page_depends_on_exactly_what_is_between_its_ends(
    db: Workbench, order: Order, narrow: Query
) -> None:
    ids = add_players(db, 10, 20, 30, 40, 50, 60)
    one, _ = read_page(db, PaginationOptions(num_items=2), order, narrow=narrow)
    options = PaginationOptions(num_items=2, cursor=one.continue_cursor)
    page, run = read_page(db, options, order, narrow=narrow)
    keys = [key_of(db, id) for id in ids]

    if order == "asc":
        assert scores(page) == [30, 40]
        wanted = Interval(keys[1] + b"\x00", keys[3] + b"\x00")
    else:
        assert scores(page) == [40, 30]
        wanted = Interval(keys[2], keys[4])
    assert [interval for _, interval in run.reads] == [wanted]


def test_rows_that_a_page_fetched_beyond_its_end_do_not_touch_it(db: Workbench) -> None:
    add_players(db, *range(0, 100, 2))
    narrow: Query = lambda query: query.filter(field("score") >= 10)  # noqa: E731  # Short.
    _, run = read_page(db, PaginationOptions(num_items=3), narrow=narrow)

    assert not touched_by_insert(db, run.reads, 15)
    assert touched_by_insert(db, run.reads, 13)
    assert touched_by_insert(db, run.reads, 1)


def test_a_failing_page_depends_on_what_it_read(db: Workbench) -> None:
    add_players(db, 1, 2, 3)
    transaction = db.on_snapshot()
    query = db.reader(transaction).query(Player.by_team_score.eq(team="a"))
    with pytest.raises(FilterError):
        query.filter(field("name") + 1 > field("score")).paginate(PaginationOptions(num_items=2))

    assert touched_by_insert(db, transaction.reads, 0)
    assert not touched_by_insert(db, transaction.reads, 2)


# --- Limits ----------------------------------------------------------------------------------


def test_the_split_cursor_is_about_the_middle_of_what_was_read(db: Workbench) -> None:
    add_players(db, *range(10))
    page, _ = read_page(db, PaginationOptions(num_items=9))
    assert page.split_cursor is not None
    options = PaginationOptions(num_items=1, end_cursor=page.split_cursor)
    first, _ = read_page(db, options)
    options = PaginationOptions(
        num_items=1, cursor=page.split_cursor, end_cursor=page.continue_cursor
    )
    second, _ = read_page(db, options)

    assert (scores(first), scores(second)) == ([0, 1, 2, 3, 4], [5, 6, 7, 8])
    for count in (1, 2):
        assert read_page(db, PaginationOptions(num_items=count))[0].split_cursor is None


def test_a_page_ends_early_after_as_many_rows_as_it_may_read(db: Workbench) -> None:
    add_players(db, *range(10))
    narrow: Query = lambda query: query.filter(field("score") == 9)  # noqa: E731  # Short.
    options = PaginationOptions(num_items=1, maximum_rows_read=4)
    page, run = read_page(db, options, narrow=narrow)

    assert (page.page, page.is_done, page.page_status) == ([], False, "SplitRequired")
    assert not touched_by_insert(db, run.reads, 4)
    cursor, reads_count = None, 0
    while not page.page:
        page, _ = read_page(db, replace(options, cursor=cursor), narrow=narrow)
        cursor, reads_count = page.continue_cursor, reads_count + 1
    assert (scores(page), reads_count) == ([9], 3)


def test_a_page_ends_early_after_as_many_bytes_as_it_may_read(db: Workbench) -> None:
    add_players(db, *range(10))
    page, run = read_page(db, PaginationOptions(num_items=10, maximum_bytes_read=1))

    assert (scores(page), page.page_status) == ([0], "SplitRequired")
    bytes_read = run.bytes_read
    options = PaginationOptions(num_items=10, maximum_bytes_read=3 * bytes_read)
    page, _ = read_page(db, options)
    assert (scores(page), page.page_status) == ([0, 1, 2], "SplitRequired")


def test_a_page_that_meets_the_transaction_s_limit_must_be_split(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_players(db, *range(20))
    whole, run = read_page(db, PaginationOptions(num_items=20))
    monkeypatch.setattr(transaction_module, "DOCUMENTS_READ_MAX", 12)
    page, again = read_page(db, PaginationOptions(num_items=20), journal=run.journal)

    assert (scores(page), page.page_status) == (list(range(12)), "SplitRequired")
    assert page.continue_cursor == whole.continue_cursor == again.journal
    assert page.split_cursor is not None
    first, _ = read_page(db, PaginationOptions(num_items=20, end_cursor=page.split_cursor))
    options = PaginationOptions(
        num_items=20, cursor=page.split_cursor, end_cursor=page.continue_cursor
    )
    second, _ = read_page(db, options)
    assert scores(first) == list(range(7))
    assert (scores(second), second.page_status) == (list(range(7, 19)), "SplitRequired")


def test_a_page_without_a_given_end_stops_at_the_transaction_s_limit(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_players(db, *range(20))
    monkeypatch.setattr(transaction_module, "BYTES_READ_MAX", 500)
    pages = all_pages(db, 20)

    assert len(pages) > 2
    assert [score for page in pages for score in scores(page)] == list(range(20))
    assert {page.page_status for page in pages[:-1]} == {"SplitRequired"}


def test_a_limit_that_is_met_before_the_page_begins_is_an_error(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_players(db, *range(4))
    monkeypatch.setattr(transaction_module, "DOCUMENTS_READ_MAX", 2)
    reader = db.reader(db.on_snapshot())
    reader.query(Player).take(2)

    with pytest.raises(TransactionLimitError, match="Too many documents read"):
        reader.query(Player).paginate(PaginationOptions(num_items=2))


def test_a_page_near_a_limit_should_be_split(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_players(db, *range(20))
    monkeypatch.setattr(page_module, "DOCUMENTS_READ_MAX", 16)

    assert read_page(db, PaginationOptions(num_items=12))[0].page_status is None
    assert read_page(db, PaginationOptions(num_items=13))[0].page_status == "SplitRecommended"
    options = PaginationOptions(num_items=7, maximum_rows_read=8)
    assert read_page(db, options)[0].page_status == "SplitRecommended"


def test_a_page_with_many_rows_should_be_split(
    db: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_players(db, *range(8))
    monkeypatch.setattr(page_module, "ARRAY_LENGTH_MAX", 8)

    assert read_page(db, PaginationOptions(num_items=6))[0].page_status is None
    assert read_page(db, PaginationOptions(num_items=7))[0].page_status == "SplitRecommended"


def test_a_page_of_a_million_would_read_what_it_shows(db: Workbench) -> None:
    add_players(db, *range(1000))
    _, run = read_page(db, PaginationOptions(num_items=10))

    assert run.documents_read == 10
