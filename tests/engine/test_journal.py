"""Journals: a live page keeps its end over re-runs, deploys and reconnections."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import App, Failure, InvalidCursorError, Success, WatchQuery
from tests.app_folder import write_app
from tests.stepped_app import SteppedApp, SteppedClient, message_of, success_of, value_of, values

MODULES = {
    "cards": """
        from livefile import (
            MutationCtx, PaginationOptions, PaginationResult, QueryCtx, Table, field, index,
            mutation, query,
        )

        class Card(Table, name="cards"):
            rank: int
            by_rank = index("rank")

        @query
        def page(ctx: QueryCtx, options: PaginationOptions) -> PaginationResult[int]:
            found = ctx.db.query(Card.by_rank).filter(field("rank") >= 0).paginate(options)
            return found.with_page([card.rank for card in found.page])

        @query
        def first_ranks(ctx: QueryCtx, count: int) -> list[int]:
            options = PaginationOptions(num_items=count)
            return [card.rank for card in ctx.db.query(Card.by_rank).paginate(options).page]

        @query
        def nested(ctx: QueryCtx, count: int) -> list[list[int]]:
            return [ctx.run_query(first_ranks, count=n) for n in (count, count + 1)]

        @query
        def fragile(ctx: QueryCtx, options: PaginationOptions) -> list[int]:
            ranks = [card.rank for card in ctx.db.query(Card.by_rank).paginate(options).page]
            if 13 in ranks:
                raise ValueError("13 on the page")
            return ranks

        @query
        def two_pages(ctx: QueryCtx) -> None:
            for _ in range(2):
                ctx.db.query(Card).paginate(PaginationOptions(num_items=1))

        @query
        def plain(ctx: QueryCtx) -> int:
            return len(ctx.db.query(Card).collect())

        @mutation
        def put(ctx: MutationCtx, ranks: list[int]) -> None:
            for rank in ranks:
                ctx.db.insert(Card(rank=rank))

        @mutation
        def drop(ctx: MutationCtx, rank: int) -> None:
            for card in ctx.db.query(Card.by_rank.eq(rank=rank)):
                ctx.db.delete(card.id)
    """,
}
OPTIONS = {"numItems": 2, "cursor": None}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, MODULES) as app:
        success_of(app.mutate("cards:put", ranks=[10, 20, 30, 40]))
        yield app


def watch_with(client: SteppedClient, journal: str | None, path: str, **args: Any) -> None:
    """Watch a query as a client does that comes back with a journal."""
    client.version += 1
    query = WatchQuery(query_id=0, path=path, args=values(args), journal=journal)
    client._change(added=(query,))


def test_a_live_page_keeps_its_end(app: SteppedApp) -> None:
    client = app.client()
    client.watch(0, "cards:page", paginationOpts=OPTIONS)
    app.step()
    assert client.value(0)["page"] == [10, 20]
    end = client.value(0)["continueCursor"]
    app.mutate("cards:put", ranks=[5, 15])
    app.mutate("cards:drop", rank=10)

    assert client.value(0)["page"] == [5, 15, 20]
    assert client.value(0)["continueCursor"] == end
    assert success_of(client.shown[0]).journal == end
    app.runs.clear()
    app.mutate("cards:put", ranks=[25])
    assert app.count_runs("cards:page") == 0


def test_a_client_that_comes_back_with_its_journal_gets_its_page_again(app: SteppedApp) -> None:
    before = app.client()
    before.watch(0, "cards:page", paginationOpts=OPTIONS)
    app.step()
    journal = success_of(before.shown[0]).journal
    before.query_set.close()
    app.mutate("cards:put", ranks=[11, 12, 13])
    app.step()

    after, fresh = app.client(), app.client()
    watch_with(after, journal, "cards:page", paginationOpts=OPTIONS)
    watch_with(fresh, None, "cards:page", paginationOpts={**OPTIONS, "id": 1})
    app.step()
    assert after.value(0)["page"] == [10, 11, 12, 13, 20]
    assert fresh.value(0)["page"] == [10, 11]


def test_the_end_of_a_page_need_not_be_in_the_result(app: SteppedApp) -> None:
    client = app.client()
    client.watch(0, "cards:first_ranks", count=2)
    app.step()
    app.mutate("cards:put", ranks=[1])

    assert client.value(0) == [1, 10, 20]


def test_the_first_page_of_a_call_has_the_journal_whoever_reads_it(app: SteppedApp) -> None:
    client = app.client()
    client.watch(0, "cards:nested", count=1)
    app.step()
    assert client.value(0) == [[10], [10, 20]]
    app.mutate("cards:put", ranks=[1])

    assert client.value(0) == [[1, 10], [1, 10]]


def test_a_page_that_fails_for_a_while_keeps_its_end(app: SteppedApp) -> None:
    client = app.client()
    client.watch(0, "cards:fragile", paginationOpts=OPTIONS)
    app.step()
    journal = success_of(client.shown[0]).journal
    app.mutate("cards:put", ranks=[13])
    failed = client.shown[0]
    assert isinstance(failed, Failure)
    assert failed.journal == journal

    app.mutate("cards:drop", rank=13)
    app.mutate("cards:put", ranks=[14])
    assert client.value(0) == [10, 14, 20]


@pytest.mark.parametrize("journal", ["", "nonsense", 'say "no"', "\U0001f600"])
def test_a_journal_that_is_none_is_answered_as_a_wrong_cursor(
    app: SteppedApp, journal: str
) -> None:
    client = app.client()
    watch_with(client, journal, "cards:page", paginationOpts=OPTIONS)
    app.step()
    failed = client.shown[0]

    assert message_of(failed).startswith("InvalidCursor: ")
    assert isinstance(failed, Failure)
    assert failed.data_json == b'{"isConvexSystemError":true,"paginationError":"InvalidCursor"}'
    assert failed.journal is None
    assert isinstance(failed.error, InvalidCursorError)


def test_a_query_without_a_page_has_no_journal(app: SteppedApp) -> None:
    client = app.client()
    watch_with(client, "whatever", "cards:plain")
    app.step()

    assert client.value(0) == 4
    assert success_of(client.shown[0]).journal is None


def test_a_second_page_in_one_function_fails_it(app: SteppedApp) -> None:
    assert "called paginate a second time" in message_of(app.query("cards:two_pages"))


def test_a_page_is_read_by_a_call_as_well(app: SteppedApp) -> None:
    first = app.query("cards:page", paginationOpts=OPTIONS)
    cursor = value_of(first)["continueCursor"]
    second = app.query("cards:page", paginationOpts={**OPTIONS, "cursor": cursor})

    assert [value_of(page)["page"] for page in (first, second)] == [[10, 20], [30, 40]]
    assert isinstance(second, Success)
    assert second.journal == value_of(second)["continueCursor"]


def test_a_cursor_outlives_a_restart_but_not_another_query(tmp_path: Path) -> None:
    file = tmp_path / "cards.db"
    with SteppedApp(tmp_path, MODULES, path=file) as app:
        app.mutate("cards:put", ranks=[10, 20, 30])
        cursor = value_of(app.query("cards:page", paginationOpts=OPTIONS))["continueCursor"]
    with SteppedApp(tmp_path, MODULES, path=file) as app:
        rest = app.query("cards:page", paginationOpts={**OPTIONS, "cursor": cursor})
        assert value_of(rest)["page"] == [30]
        changed = {"cards": MODULES["cards"].replace('field("rank") >= 0', 'field("rank") >= 1')}
        app.livefile.deploy(App.load(write_app(tmp_path, changed)))
        refused = app.query("cards:page", paginationOpts={**OPTIONS, "cursor": cursor})
        assert message_of(refused).startswith("InvalidCursor: ")


def test_a_live_page_of_a_changed_query_fails_and_its_client_begins_anew(
    app: SteppedApp, tmp_path: Path
) -> None:
    client = app.client()
    client.watch(0, "cards:page", paginationOpts=OPTIONS)
    app.step()
    changed = {"cards": MODULES["cards"].replace('field("rank") >= 0', 'field("rank") > 10')}
    app.livefile.deploy(App.load(write_app(tmp_path, changed)))
    app.step()
    failed = client.shown[0]
    assert message_of(failed).startswith("InvalidCursor: ")
    assert isinstance(failed, Failure)
    assert failed.journal is None

    client.watch(1, "cards:page", paginationOpts={**OPTIONS, "id": 2})  # As npm's client does.
    app.step()
    assert client.value(1)["page"] == [20, 30]
