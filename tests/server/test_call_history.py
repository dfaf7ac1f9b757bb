import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from livefile import CallRecord, FunctionKind, ManualClock, SystemClock, limits
from livefile_server.web.call_counts import CallCounts
from livefile_server.web.call_history import CallHistory, Page
from livefile_server.web.mailbox import Mailbox


def record(path: str, **fields: object) -> CallRecord:
    return CallRecord(
        path=path,
        kind=FunctionKind.QUERY,
        request_id="0123456789abcdef",
        duration_ms=1.0,
        **fields,  # type: ignore[arg-type]  # Each test knows what it gives.
    )


def with_history(
    scenario: Callable[[CallHistory], Awaitable[None]], now_ns: int | None = None
) -> None:
    async def run() -> None:
        clock = SystemClock() if now_ns is None else ManualClock(now_ns)
        mailbox = Mailbox(asyncio.get_running_loop())
        await scenario(CallHistory(mailbox, clock.now_ns, CallCounts()))

    asyncio.run(run())


def paths(page: Page) -> list[str]:
    return [each.path for each in page.records]


async def waiting(history: CallHistory, cursor_ms: float) -> "asyncio.Task[Page]":
    """Return a reader that waits for news."""
    task = asyncio.create_task(history.after(cursor_ms))
    await asyncio.sleep(0)  # It runs until it waits.
    assert history._waiting
    return task


def test_a_reader_gets_each_call_once_and_in_order() -> None:
    async def scenario(history: CallHistory) -> None:
        for name in "abc":
            history.add(record(name))
        first = history.newest()
        for name in "de":
            history.add(record(name))
        second = await history.after(first.cursor_ms)

        assert paths(first) == ["a", "b", "c"]
        assert paths(second) == ["d", "e"]
        assert second.cursor_ms > first.cursor_ms

    with_history(scenario)


def test_calls_of_one_moment_have_cursors_that_differ() -> None:
    async def scenario(history: CallHistory) -> None:
        history.add(record("a"))
        cursor_ms = history.newest().cursor_ms
        history.add(record("b"))

        assert paths(await history.after(cursor_ms)) == ["b"]

    with_history(scenario, now_ns=1_700_000_000_000_000_000)


def test_the_first_look_never_waits() -> None:
    async def scenario(history: CallHistory) -> None:
        page = history.newest()
        history.add(record("a"))

        assert paths(page) == []
        assert page.cursor_ms > 0
        assert paths(await history.after(page.cursor_ms)) == ["a"]

    with_history(scenario)


def test_a_reader_without_news_waits_for_a_call_on_any_thread() -> None:
    async def scenario(history: CallHistory) -> None:
        cursor_ms = history.newest().cursor_ms
        readers = [await waiting(history, cursor_ms) for _ in range(3)]
        thread = threading.Thread(target=history.add, args=(record("a"),))
        thread.start()

        assert [paths(await reader) for reader in readers] == [["a"]] * 3
        assert history._waiting == []
        thread.join()

    with_history(scenario)


def test_closing_answers_who_waits_and_who_comes_later() -> None:
    async def scenario(history: CallHistory) -> None:
        cursor_ms = history.newest().cursor_ms
        reader = await waiting(history, cursor_ms)
        history.close()

        assert paths(await reader) == []
        assert paths(await history.after(cursor_ms)) == []

    with_history(scenario)


def test_a_wait_ends_without_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALL_LOG_WAIT_MS_MAX", 1)

    async def scenario(history: CallHistory) -> None:
        cursor_ms = history.newest().cursor_ms
        page = await history.after(cursor_ms)

        assert (paths(page), page.cursor_ms) == ([], cursor_ms)
        assert history._waiting == []

    with_history(scenario)


def test_a_cursor_of_the_future_is_taken_for_now() -> None:
    async def scenario(history: CallHistory) -> None:
        history.add(record("old"))
        reader = await waiting(history, 1e15)
        history.add(record("new"))
        page = await reader

        assert page.cursor_ms < 1e15
        assert paths(await history.after(page.cursor_ms - 1e6)) == ["old", "new"]

    with_history(scenario)


def test_the_oldest_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLS_KEPT_MAX", 3)

    async def scenario(history: CallHistory) -> None:
        for number in range(10):
            history.add(record(str(number)))

        assert paths(history.newest()) == ["7", "8", "9"]

    with_history(scenario)


def test_the_oldest_go_when_they_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLS_KEPT_SIZE_BYTES_MAX", 10_000)

    async def scenario(history: CallHistory) -> None:
        for number in range(10):
            history.add(record(str(number), log_lines=("x" * 2_000,), error="y" * 1_000))
        kept = paths(history.newest())
        history.add(record("too large", error="z" * 20_000))

        assert kept == ["8", "9"] or kept == ["7", "8", "9"]
        assert history._size_bytes == 0
        assert paths(history.newest()) == []

    with_history(scenario)


def test_an_answer_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLS_PER_ANSWER_MAX", 2)

    async def scenario(history: CallHistory) -> None:
        history.add(record("0"))
        cursor_ms = history.newest().cursor_ms
        for number in range(1, 6):
            history.add(record(str(number)))
        pages = []
        for _ in range(3):
            page = await history.after(cursor_ms)
            cursor_ms = page.cursor_ms
            pages.append(paths(page))

        assert pages == [["1", "2"], ["3", "4"], ["5"]]
        assert paths(history.newest()) == ["4", "5"]

    with_history(scenario)


def test_calls_are_counted_without_a_reader() -> None:
    async def scenario(history: CallHistory) -> None:
        for _ in range(1000):
            history.add(record("a"))
        unsorted_count = len(history._new)
        history.catch_up()
        ((labels, count),) = history._counts

        assert unsorted_count < 64
        assert labels == ("Query", "success")
        assert sum(count.buckets) == 1000

    with_history(scenario)


def test_no_call_of_any_thread_is_lost() -> None:
    async def scenario(history: CallHistory) -> None:
        def add_many() -> None:
            for _ in range(1000):
                history.add(record("a"))

        threads = [threading.Thread(target=add_many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        history.catch_up()
        ((_, count),) = history._counts

        assert sum(count.buckets) == 4000
        assert len(history._kept) == 4000

    with_history(scenario)
