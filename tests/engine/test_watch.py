import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from livefile import (
    ArgumentValidationError,
    ClosedError,
    ConvexError,
    FunctionError,
    FunctionNotFoundError,
    Livefile,
    Watch,
    WrongFunctionKindError,
)
from tests.app_folder import write_app
from tests.stepped_app import SteppedApp

LIST = """
    import threading
    from livefile import *

    class Entry(Table, name="entries"):
        text: str

    is_running, may_go_on = threading.Event(), threading.Event()
    slow_rooms = set()

    @mutation
    def add(ctx: MutationCtx, text: str) -> Id[Entry]:
        return ctx.db.insert(Entry(text=text))

    @query
    def texts(ctx: QueryCtx) -> list[str]:
        return [entry.text for entry in ctx.db.query(Entry)]

    @query
    def entries(ctx: QueryCtx, limit: int = 10) -> list[Entry]:
        return ctx.db.query(Entry).take(limit)

    @query
    def has_any(ctx: QueryCtx) -> bool:
        return ctx.db.query(Entry).first() is not None

    @query
    def strict(ctx: QueryCtx) -> int:
        count = len(ctx.db.query(Entry).collect())
        if count == 1:
            raise ConvexError({"count": count})
        if count == 2:
            raise ValueError("two")
        return count

    @query
    def slow_texts(ctx: QueryCtx) -> list[str]:
        found = [entry.text for entry in ctx.db.query(Entry)]
        if len(found) == 1:
            is_running.set()
            may_go_on.wait()
        return found

    @internal.query
    def hidden(ctx: QueryCtx) -> str:
        return "hidden"
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"list": LIST}) as stepped:
        yield stepped


@pytest.fixture
def livefile(tmp_path: Path) -> Iterator[Livefile]:
    with Livefile.open(":memory:", write_app(tmp_path, {"list": LIST})) as opened:
        yield opened


def test_the_current_result_comes_first_and_then_every_new_one(livefile: Livefile) -> None:
    with livefile.watch("list:texts") as watch:
        seen = [next(watch)]
        for text in ("a", "b"):
            livefile.mutation("list:add", text=text)
            seen.append(next(watch))

    assert seen == [[], ["a"], ["a", "b"]]


def test_results_are_objects_of_the_annotated_type(livefile: Livefile) -> None:
    id = livefile.mutation("list:add", text="a")
    function = livefile.app.functions["list:entries"]
    with livefile.watch(function, 1) as watch:  # type: ignore[call-overload]  # Of any function.
        (entry,) = next(watch)

    assert (entry.id, entry.text) == (id, "a")


def test_a_loop_over_a_watch_hears_what_others_write(livefile: Livefile) -> None:
    writer = Thread(target=lambda: [livefile.mutation("list:add", text=str(n)) for n in range(5)])
    writer.start()
    for texts in livefile.watch("list:texts"):
        if len(texts) == 5:
            break
    writer.join()

    assert sorted(texts) == [str(n) for n in range(5)]


def test_a_slow_reader_gets_the_newest_result_only(app: SteppedApp) -> None:
    watch = app.livefile.watch("list:texts")
    for text in "abc":
        app.clock.advance_ms(1)
        app.mutate("list:add", text=text)

    assert next(watch) == ["a", "b", "c"]
    app.mutate("list:add", text="d")
    assert len(next(watch)) == 4


def test_a_result_that_stays_the_same_is_not_told_again(app: SteppedApp) -> None:
    watch = app.livefile.watch("list:has_any")
    app.mutate("list:add", text="a")
    assert next(watch) is True
    app.mutate("list:add", text="b")

    assert watch._newest is None


def test_watches_of_one_query_share_its_runs(app: SteppedApp) -> None:
    watches = [app.livefile.watch("list:texts") for _ in range(5)]
    app.step()
    app.mutate("list:add", text="a")

    assert [next(watch) for watch in watches] == [["a"]] * 5
    assert app.count_runs("list:texts") == 2


def test_a_failing_query_raises_and_the_watch_goes_on(app: SteppedApp) -> None:
    watch = app.livefile.watch("list:strict")
    app.step()
    assert next(watch) == 0
    app.mutate("list:add", text="a")
    with pytest.raises(ConvexError) as raised:
        next(watch)
    app.mutate("list:add", text="b")
    with pytest.raises(FunctionError, match="Uncaught ValueError: two"):
        next(watch)
    app.mutate("list:add", text="c")

    assert raised.value.data == {"count": 1}
    assert next(watch) == 3


def test_a_watch_may_see_internal_functions(livefile: Livefile) -> None:
    assert next(livefile.watch("list:hidden")) == "hidden"


def test_a_mistake_in_the_call_shows_at_once(livefile: Livefile) -> None:
    with pytest.raises(FunctionNotFoundError, match="'list:nothing'"):
        livefile.watch("list:nothing")
    with pytest.raises(ArgumentValidationError, match="entries has no argument 'count'"):
        livefile.watch("list:entries", count=3)
    with pytest.raises(WrongFunctionKindError, match="add as Query, but it is defined as Mut"):
        next(livefile.watch("list:add", text="x"))


def test_a_commit_during_a_run_is_not_missed(tmp_path: Path) -> None:
    with Livefile.open(":memory:", write_app(tmp_path, {"list": LIST})) as livefile:
        names = livefile.app.functions["list:texts"].body.__globals__
        livefile._lane.note_slow("list:slow_texts")
        watch = livefile.watch("list:slow_texts")
        assert next(watch) == []
        livefile.mutation("list:add", text="a")
        names["is_running"].wait()
        livefile.mutation("list:add", text="b")  # While the query runs, on an older snapshot.
        names["may_go_on"].set()
        seen = next(watch)
        if len(seen) == 1:
            seen = next(watch)

        assert len(seen) == 2


# --- Ends -------------------------------------------------------------------------------------


def collect_in_a_thread(watch: Watch[Any]) -> tuple[Thread, Event, list[Any]]:
    """Iterate in another thread; the event says that the first result came."""
    seen: list[Any] = []
    is_waiting = Event()

    def collect() -> None:
        for result in watch:
            seen.append(result)
            is_waiting.set()

    thread = Thread(target=collect)
    thread.start()
    return thread, is_waiting, seen


def test_closing_a_watch_ends_an_iteration_that_waits(livefile: Livefile) -> None:
    watch = livefile.watch("list:texts")
    thread, is_waiting, seen = collect_in_a_thread(watch)
    is_waiting.wait()
    watch.close()
    thread.join()

    assert seen == [[]]


def test_closing_the_deployment_ends_every_iteration(livefile: Livefile) -> None:
    threads = [collect_in_a_thread(livefile.watch("list:texts")) for _ in range(3)]
    for _, is_waiting, _ in threads:
        is_waiting.wait()
    livefile.close()
    for thread, _, _ in threads:
        thread.join()

    assert [seen for _, _, seen in threads] == [[[]]] * 3


def test_a_closed_watch_is_at_its_end_and_can_be_closed_again(app: SteppedApp) -> None:
    watch = app.livefile.watch("list:texts")
    app.step()
    watch.close()
    watch.close()
    app.step()
    app.runs.clear()
    app.mutate("list:add", text="a")

    assert list(watch) == []
    assert app.count_runs("list:texts") == 0


def test_a_watch_is_closed_after_its_deployment_without_complaint(livefile: Livefile) -> None:
    with livefile.watch("list:texts") as watch:
        livefile.close()

    assert list(watch) == []
    with pytest.raises(ClosedError):
        livefile.watch("list:texts")


# --- From asyncio -----------------------------------------------------------------------------


def test_async_iteration_hears_every_new_result(livefile: Livefile) -> None:
    async def collect() -> list[Any]:
        seen = []
        async for texts in livefile.watch("list:texts"):
            seen.append(texts)
            if len(texts) == 3:
                break
            await asyncio.to_thread(livefile.mutation, "list:add", text=str(len(texts)))
        return seen

    assert [len(texts) for texts in asyncio.run(collect())] == [0, 1, 2, 3]


def test_many_watches_wait_in_one_loop(livefile: Livefile) -> None:
    async def second_result(watch: Watch[Any]) -> Any:
        assert await anext(watch) == []
        first.release()
        return await anext(watch)

    async def watch_all() -> list[Any]:
        watches = [livefile.watch("list:texts") for _ in range(20)]
        tasks = [asyncio.create_task(second_result(watch)) for watch in watches]
        for _ in tasks:
            await first.acquire()
        await asyncio.to_thread(livefile.mutation, "list:add", text="a")
        return await asyncio.gather(*tasks)

    first = asyncio.Semaphore(0)

    assert asyncio.run(watch_all()) == [["a"]] * 20


def test_closing_from_another_thread_ends_an_async_iteration(livefile: Livefile) -> None:
    async def collect(watch: Watch[Any]) -> list[Any]:
        seen = []
        async for texts in watch:
            seen.append(texts)
            Thread(target=watch.close).start()
        return seen

    assert asyncio.run(collect(livefile.watch("list:texts"))) == [[]]


def test_a_wait_that_is_cancelled_loses_no_result(livefile: Livefile) -> None:
    async def read() -> Any:
        watch = livefile.watch("list:texts")
        assert await anext(watch) == []
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.to_thread(livefile.mutation, "list:add", text="a")
        return await anext(watch)

    assert asyncio.run(read()) == ["a"]


def test_a_failing_query_raises_from_an_async_iteration(livefile: Livefile) -> None:
    livefile.mutation("list:add", text="a")

    async def read() -> Any:
        watch = livefile.watch("list:strict")
        with pytest.raises(ConvexError):
            await anext(watch)
        await asyncio.to_thread(livefile.mutation, "list:add", text="b")
        with pytest.raises(FunctionError):
            await anext(watch)

    asyncio.run(read())


def test_a_loop_that_ended_while_it_waited_harms_nobody(livefile: Livefile) -> None:
    watch = livefile.watch("list:texts")
    waits: list[Any] = []

    async def begin_to_wait() -> None:
        assert await anext(watch) == []
        waits.append(watch.__anext__())
        waits[0].send(None)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin_to_wait())
    loop.close()
    livefile.mutation("list:add", text="a")

    assert next(watch) == ["a"]
    assert livefile.query("list:texts") == ["a"]
    waits[0].close()
