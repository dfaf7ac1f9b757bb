from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import (
    ADMIN,
    ANONYMOUS,
    Call,
    Identity,
    Int64,
    LivefileError,
    Outcome,
)
from tests.stepped_app import SteppedApp, message_of, value_of, values

SHELF = """
    from typing import Any
    from livefile import *

    class Book(Table, name="books"):
        shelf: str
        title: str
        by_shelf = index("shelf")

    class Lock(Table, name="locks"):
        reason: str

    @mutation
    def put(ctx: MutationCtx, shelf: str, title: str) -> None:
        ctx.db.insert(Book(shelf=shelf, title=title))

    @mutation
    def lock(ctx: MutationCtx) -> None:
        ctx.db.insert(Lock(reason="closed"))

    @query
    def titles(ctx: QueryCtx, shelf: str, unused: Any = None) -> list[str]:
        return [book.title for book in ctx.db.query(Book.by_shelf.eq(shelf=shelf))]

    @query
    def open_to(ctx: QueryCtx, shelf: str) -> str:
        if ctx.db.query(Lock).first() is None:
            return "all"
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else str(identity["subject"])

    @query
    def long_text(ctx: QueryCtx, length: int) -> str:
        return "x" * length

    @query
    def failing(ctx: QueryCtx) -> None:
        raise ConvexError({"a": 1})
"""

ENTRIES_MAX = "livefile.reactive.query_cache.QUERY_CACHE_ENTRIES_MAX"
SIZE_BYTES_MAX = "livefile.reactive.query_cache.QUERY_CACHE_SIZE_BYTES_MAX"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"shelf": SHELF}) as stepped:
        yield stepped


def is_cached(app: SteppedApp, path: str, **args: Any) -> bool:
    """Tell whether a query is answered without a run; if not, it is in the cache now."""
    app.runs.clear()
    app.query(path, **args)
    return app.count_runs(path) == 0


def test_a_second_caller_gets_the_same_outcome_without_a_run(app: SteppedApp) -> None:
    first = app.query("shelf:titles", shelf="a")
    second = app.query("shelf:titles", ADMIN, shelf="a")
    third = app.query("shelf:titles", shelf="a")

    assert third is first
    assert second is not first  # An admin may call more, so he has entries of his own.
    assert app.count_runs("shelf:titles") == 2


def test_a_commit_elsewhere_keeps_the_result(app: SteppedApp) -> None:
    app.query("shelf:titles", shelf="a")
    app.mutate("shelf:put", shelf="b", title="x")

    assert is_cached(app, "shelf:titles", shelf="a")


def test_a_commit_that_touches_what_was_read_drops_the_result(app: SteppedApp) -> None:
    app.query("shelf:titles", shelf="a")
    app.runs.clear()
    app.mutate("shelf:put", shelf="a", title="x")

    assert app.count_runs("shelf:titles") == 0  # Nobody waits for it.
    assert value_of(app.query("shelf:titles", shelf="a")) == ["x"]
    assert is_cached(app, "shelf:titles", shelf="a")


def test_the_order_of_arguments_makes_no_difference(app: SteppedApp) -> None:
    app.query("shelf:titles", shelf="a", unused=1)

    assert is_cached(app, "shelf:titles", unused=1, shelf="a")


@pytest.mark.parametrize("other", [True, Int64(1), "1", None, [1], b"1", 1.5])
def test_arguments_that_only_look_alike_are_another_query(app: SteppedApp, other: object) -> None:
    app.query("shelf:titles", shelf="a", unused=1)

    assert not is_cached(app, "shelf:titles", shelf="a", unused=other)


def test_a_failure_is_kept_like_a_result(app: SteppedApp) -> None:
    first = app.query("shelf:failing")

    assert is_cached(app, "shelf:failing")
    assert app.query("shelf:failing") is first


def test_an_unknown_function_is_an_answer_like_any_other(app: SteppedApp) -> None:
    assert message_of(app.query("shelf:missing")).startswith("Could not find public function")
    assert is_cached(app, "shelf:missing")


def test_the_least_recently_used_results_go_first(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ENTRIES_MAX, 3)
    for shelf in ("a", "b", "c", "a", "d"):
        app.query("shelf:titles", shelf=shelf)

    assert [is_cached(app, "shelf:titles", shelf=shelf) for shelf in "acd"] == [True] * 3
    assert not is_cached(app, "shelf:titles", shelf="b")


def test_results_go_when_they_are_too_large_together(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SIZE_BYTES_MAX, 50_000)
    for length in (20_000, 20_001, 20_002):
        app.query("shelf:long_text", length=length)

    assert is_cached(app, "shelf:long_text", length=20_001)
    assert is_cached(app, "shelf:long_text", length=20_002)
    assert not is_cached(app, "shelf:long_text", length=20_000)


def test_one_result_over_the_size_is_answered_and_kept_until_the_next(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SIZE_BYTES_MAX, 50_000)
    assert len(value_of(app.query("shelf:long_text", length=60_000))) == 60_000
    assert is_cached(app, "shelf:long_text", length=60_000)
    app.query("shelf:long_text", length=1)

    assert not is_cached(app, "shelf:long_text", length=60_000)


def test_the_size_is_given_back_when_results_go(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SIZE_BYTES_MAX, 5_000)
    client = app.client()
    for number in range(50):
        client.watch(number, "shelf:titles", shelf="a")
        app.step()
        client.unwatch(number)
        app.mutate("shelf:put", shelf="a", title="x" * 10)
        app.query("shelf:titles", shelf="a")
    app.query("shelf:titles", shelf="b")

    assert is_cached(app, "shelf:titles", shelf="a")
    assert is_cached(app, "shelf:titles", shelf="b")


def test_what_is_watched_stays_whatever_the_limits(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ENTRIES_MAX, 2)
    client = app.client()
    for number in range(10):
        client.watch(number, "shelf:titles", shelf=str(number))
    app.step()
    app.runs.clear()
    for number in range(10):
        app.query("shelf:titles", shelf=str(number))
    assert app.count_runs("shelf:titles") == 0
    app.mutate("shelf:put", shelf="3", title="x")

    assert client.value(3) == ["x"]


def test_a_result_that_nobody_watches_any_more_may_go(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ENTRIES_MAX, 2)
    client = app.client()
    client.watch(1, "shelf:titles", shelf="watched")
    app.step()
    client.unwatch(1)
    app.step()
    assert is_cached(app, "shelf:titles", shelf="watched")
    for shelf in "ab":
        app.query("shelf:titles", shelf=shelf)

    assert not is_cached(app, "shelf:titles", shelf="watched")


def test_one_batch_may_ask_for_more_than_the_cache_holds(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ENTRIES_MAX, 2)
    answers: list[list[Outcome] | LivefileError] = []
    calls = [Call(path="shelf:long_text", args=values({"length": length})) for length in range(6)]
    app.livefile.submit_batch([*calls, *calls], answers.append)
    app.step()

    (outcomes,) = answers
    assert isinstance(outcomes, list)
    assert [len(value_of(outcome)) for outcome in outcomes] == [*range(6), *range(6)]


def test_results_may_make_room_while_a_commit_is_applied_to_them(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ENTRIES_MAX, 20)
    alice, bob = (Identity(attributes={"subject": name}) for name in ("alice", "bob"))
    client = app.client(bob)
    for number in range(20):
        app.query("shelf:open_to", alice, shelf=f"watched {number}")
        client.watch(number, "shelf:open_to", shelf=f"watched {number}")
        app.step()
    for number in range(20):
        app.query("shelf:open_to", alice, shelf=f"idle {number}")
    app.mutate("shelf:lock")

    assert {client.value(number) for number in range(20)} == {"bob"}
    assert value_of(app.query("shelf:open_to", alice, shelf="idle 1")) == "alice"
    assert value_of(app.query("shelf:open_to", ANONYMOUS, shelf="watched 1")) == "nobody"
