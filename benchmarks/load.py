"""Closed-loop load: every connection sends its next operation when the one before is over.

It runs in this process, the server in another one. What is counted beside the latency is the
server's CPU time per operation: noise and a load generator that is short of CPU spoil it least.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import uvloop

from benchmarks.measurement import Sample
from benchmarks.server_under_test import ServerProcess

CONNECTIONS = 64
DURATION_S = 1.0

Operation = Callable[[Callable[[], None]], None]
"""Begins one operation on one connection; the argument is to be called when it is over."""

T = TypeVar("T")


class Loader:
    """An event loop for all connections of one question.

    Between the measurements it stands still, and so do the connections.
    """

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._failure: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run something on the loop, such as opening connections."""

        async def whole() -> T:
            return await work()

        return self._runner.run(whole())

    def failed(self, error: Exception) -> None:
        """End the measurement, because a connection or an operation failed."""
        self._failure = self._failure or error
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def closed_loop(
        self, server: ServerProcess, operations: Sequence[Operation], duration_s: float = DURATION_S
    ) -> Sample:
        """Load a server for a while, with one operation under way for each of ``operations``.

        Returns:
            the server's CPU time per operation, the latency of each, and how many in a second.
        """
        latencies_us: list[float] = []
        started_cpu_s, started_s = server.cpu_s(), time.perf_counter()
        self.run(lambda: self._loop(operations, started_s + duration_s, latencies_us))
        elapsed_s, cpu_s = time.perf_counter() - started_s, server.cpu_s() - started_cpu_s
        return {
            "cpu_us": [cpu_s / len(latencies_us) * 1e6],
            "latency_us": latencies_us,
            "per_s": [len(latencies_us) / elapsed_s],
        }

    async def wait(self, begin: Callable[[Callable[[], None]], None]) -> None:
        """Begin something and wait until it calls back."""
        if self._failure is not None:
            raise self._failure
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = waiting

        def finish() -> None:
            if not waiting.done():
                waiting.set_result(None)

        begin(finish)
        await waiting

    async def _loop(
        self, operations: Sequence[Operation], end_s: float, latencies_us: list[float]
    ) -> None:
        running_count = len(operations)

        def begin_all(finish: Callable[[], None]) -> None:
            def begin(operation: Operation) -> None:
                def over() -> None:
                    nonlocal running_count
                    now_s = time.perf_counter()
                    latencies_us.append((now_s - begun_s) * 1e6)
                    if now_s < end_s:
                        begin(operation)
                    else:
                        running_count -= 1
                        if running_count == 0:
                            finish()

                begun_s = time.perf_counter()
                operation(over)

            for operation in operations:
                begin(operation)

        await self.wait(begin_all)


@contextmanager
def loader() -> Iterator[Loader]:
    """Lend a loader with a new event loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield Loader(runner)
