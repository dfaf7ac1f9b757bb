import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVarTuple, Unpack

from livefile_server.web.mailbox import Mailbox

Ts = TypeVarTuple("Ts")


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts how often another thread woke it."""

    wake_count = 0

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Any = None
    ) -> asyncio.Handle:
        self.wake_count += 1
        return super().call_soon_threadsafe(callback, *args, context=context)


def in_another_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_calls_are_made_on_the_loop_in_order() -> None:
    loop = CountingLoop()
    mailbox = Mailbox(loop)
    made: list[tuple[int, str]] = []

    def leave() -> None:
        for number in range(1000):
            mailbox.post(lambda n: made.append((n, threading.current_thread().name)), number)
        mailbox.post(loop.stop)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    loop.run_forever()
    loop.close()

    assert made == [(number, threading.current_thread().name) for number in range(1000)]
    assert loop.wake_count == 1


def test_no_call_of_many_threads_is_lost() -> None:
    loop = CountingLoop()
    mailbox = Mailbox(loop)
    made: list[tuple[int, int]] = []
    begin = threading.Barrier(4)

    def take(thread_number: int, number: int) -> None:
        made.append((thread_number, number))
        if len(made) == 4000:
            loop.stop()

    def leave(thread_number: int) -> None:
        begin.wait()
        for number in range(1000):
            mailbox.post(take, thread_number, number)

    threads = [threading.Thread(target=leave, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    loop.run_forever()
    loop.close()
    for thread in threads:
        thread.join()

    for thread_number in range(4):
        assert [n for t, n in made if t == thread_number] == list(range(1000))


def test_a_call_that_raises_does_not_stop_the_others() -> None:
    loop = CountingLoop()
    reported: list[object] = []

    def report(_: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        reported.append(context["exception"])

    loop.set_exception_handler(report)
    mailbox = Mailbox(loop)
    made: list[int] = []
    error = ValueError("one bad call")

    def fail() -> None:
        raise error

    def leave() -> None:
        mailbox.post(made.append, 1)
        mailbox.post(fail)
        mailbox.post(made.append, 2)
        mailbox.post(loop.stop)

    in_another_thread(leave)
    loop.run_forever()
    loop.close()

    assert made == [1, 2]
    assert reported == [error]


def test_a_call_on_the_loops_own_thread_is_made_at_once() -> None:
    loop = CountingLoop()
    mailbox = Mailbox(loop)
    made: list[str] = []

    def outer() -> None:
        mailbox.post(made.append, "inner")
        made.append("outer")
        loop.stop()

    in_another_thread(lambda: mailbox.post(outer))
    loop.run_forever()
    loop.close()

    assert made == ["inner", "outer"]


def test_after_the_loop_is_closed_calls_are_forgotten() -> None:
    loop = CountingLoop()
    mailbox = Mailbox(loop)
    loop.close()
    made: list[int] = []

    in_another_thread(lambda: mailbox.post(made.append, 1))

    assert made == []
