"""A server on real sockets and the clients that a torture sets on it, all in this process.

In this process, so that bugs can be planted into the server. Clients share one event loop, the
server has another on its own thread.

Not here: what clients do, and who judges it (one module for each torture).
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from livefile import App, Livefile
from tests.server.running_server import RunningServer, run_in_background
from tests.torture.live_client import LiveClient
from tests.torture.scratch import scratch_folder

TORTURE_APP = Path(__file__).parent / "torture_app"
CLIENTS_COUNT = 20

# Threads take turns more often than usual, so that more happens in between.
_SWITCH_INTERVAL_S = 0.0005


class Arena:
    """Some clients of one server.

    ``violations`` are the promises that clients saw broken.
    """

    def __init__(self, server: RunningServer, seed: int) -> None:
        self.server = server
        self.random = Random(seed)
        self.violations: list[str] = []
        self.clients: list[LiveClient] = []

    @property
    def aside_count(self) -> int:
        """How much ran in the slow lane, on snapshots."""
        return self.server.livefile.figures().slow_lane_runs

    async def enter(self, count: int) -> list[LiveClient]:
        """Let clients come in, and wait until all are connected."""
        self.clients = [self.client() for _ in range(count)]
        await asyncio.gather(*(client.open() for client in self.clients))
        return self.clients

    def client(self) -> LiveClient:
        """Return a client that is not connected yet."""
        random = Random(self.random.getrandbits(64))
        return LiveClient(lambda: self.server.port, random, self.violations)

    async def settle(self) -> None:
        """Wait until every client has an answer to everything."""
        await asyncio.gather(*(client.settled() for client in self.clients))


Scenario = Callable[[Arena], Awaitable[None]]


def run_scenario(seed: int, scenario: Scenario, duration_s_max: float) -> tuple[Arena, float]:
    """Run a scenario against a new server; return the arena afterwards, and how long it took.

    A scenario that hangs is a violation like every other one.
    """
    with scratch_folder() as folder, _serve(folder) as server:
        arena = Arena(server, seed)
        started = time.monotonic()

        async def run() -> None:
            try:
                async with asyncio.timeout(duration_s_max):
                    await scenario(arena)
            except TimeoutError:
                waiting = [client.requests_waiting for client in arena.clients]
                arena.violations.append(f"not over after {duration_s_max} s: {waiting}")
            finally:
                for client in arena.clients:
                    client.close()

        asyncio.run(run())
        return arena, time.monotonic() - started


@contextmanager
def _serve(folder: Path) -> Iterator[RunningServer]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        with (
            Livefile.open(folder / "arena.db", app=App.load(TORTURE_APP)) as livefile,
            run_in_background(livefile) as server,
        ):
            yield server
    finally:
        sys.setswitchinterval(before)
