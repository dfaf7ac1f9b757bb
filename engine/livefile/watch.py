"""Watching a query from Python: ``for rows in app.watch(...)``, also with ``async for``.

A watch holds the newest result only: a reader that is slow skips states, never order.

Not here: query sets of remote clients (the server's session).
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

from livefile.functions.actions import result_value
from livefile.functions.call import Outcome
from livefile.model.value import Value
from livefile.reactive.query_set import Update

Result = TypeVar("Result")


class Watch(Generic[Result]):
    """The results of one query, newest first to come. Made by ``Livefile.watch``.

    Iterating waits for the next result and ends when the watch or the deployment is closed. One
    reader at a time. A query that fails raises from the iteration, which may go on afterwards.
    """

    def __init__(
        self,
        load: Callable[[Value], Result],
        close: Callable[[], None],
        catch_up: Callable[[], None],
    ) -> None:
        self._load = load
        self._close = close
        self._catch_up = catch_up  # Of an engine without threads, which does nothing meanwhile.
        self._newest: Outcome | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def deliver(self, update: Update) -> None:
        """Take a new outcome; called by the engine."""
        for outcome in update.outcomes.values():
            if outcome is not None:
                with self._changed:
                    self._newest = outcome
                    self._wake()

    def close(self) -> None:
        """End the watch. Iterations end, also those that wait."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._wake()
        self._close()

    def __iter__(self) -> Iterator[Result]:
        return self

    def __next__(self) -> Result:
        self._catch_up()
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._is_closed)
            return self._take(StopIteration())

    def __aiter__(self) -> AsyncIterator[Result]:
        return self

    async def __anext__(self) -> Result:
        ready = asyncio.Event()
        waiter = (asyncio.get_running_loop(), ready)
        with self._changed:
            self._waiters.append(waiter)
            if self._newest is not None or self._is_closed:
                ready.set()
        try:
            await ready.wait()
        finally:
            with self._changed:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        with self._changed:
            return self._take(StopAsyncIteration())

    def __enter__(self) -> "Watch[Result]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, end: Exception) -> Result:
        outcome, self._newest = self._newest, None
        if outcome is None or self._is_closed:
            raise end
        return self._load(result_value(outcome))

    def _wake(self) -> None:
        self._changed.notify_all()
        for loop, ready in self._waiters:
            with suppress(RuntimeError):  # A loop may end while an iteration waits in it.
                loop.call_soon_threadsafe(ready.set)
        self._waiters.clear()
