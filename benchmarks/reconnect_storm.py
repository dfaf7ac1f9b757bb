"""How long until everybody is fresh again after all clients were cut off at once?

Every client watches some queries: one that all share, the others its own. All are cut off at the
same moment, something is written meanwhile, and all are back within one second, each with its
whole query set. ``fresh_s`` counts from the first one back to the last one that has all results.
A probe of its own asks for the server's version all the time; its longest wait is the longest that
the server did nothing for anybody else. The floor are the same connections with empty query sets.
Run: ``python -m benchmarks.reconnect_storm``; ``--help`` has the numbers.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from benchmarks.crowd_client import CrowdClient, Query
from benchmarks.health_probe import health_probe
from benchmarks.http_client import check_success, open_http_client
from benchmarks.load import Loader, loader
from benchmarks.measurement import percentile, rounded
from benchmarks.server_under_test import ServerProcess, server_under_test
from benchmarks.websocket_client import OPENED_AT_ONCE
from benchmarks.workload import BETWEEN, MUTATION_ROUTE, PUT, reading

_RETURN_S = 1.0
_FRESH_S_MAX = 120.0
_RANGE_SIZE = 10


class Storm:
    """Clients that are cut off together and come back together."""

    def __init__(self, load: Loader, server: ServerProcess, clients: int, queries: int) -> None:
        """Connect everybody for the first time."""
        self._load = load
        self._server = server
        self._waiting: set[int] = set()
        self._all_fresh: asyncio.Future[None]
        self._clients = []
        for number in range(clients):
            client = CrowdClient(number, _queries_of(number, queries), self._failed)
            client.on_transition = partial(self._hear, number)
            self._clients.append(client)
        load.run(partial(self._until_fresh, self._connect_gently))

    def rage(self) -> float:
        """Cut everybody off and let them come back; return the seconds until all are fresh."""
        self.drop_all()
        self._load.run(self._write)
        started_s = time.perf_counter()
        self._load.run(partial(self._until_fresh, self._return))
        return time.perf_counter() - started_s

    def drop_all(self) -> None:
        """Cut everybody off."""
        for client in self._clients:
            client.drop()

    async def _until_fresh(self, connect: Callable[[], Awaitable[None]]) -> None:
        self._waiting = set(range(len(self._clients)))
        self._all_fresh = asyncio.get_running_loop().create_future()
        # Together, because a connection that was refused never opens.
        async with asyncio.timeout(_FRESH_S_MAX):
            await asyncio.gather(connect(), self._all_fresh)

    async def _connect_gently(self) -> None:
        for start in range(0, len(self._clients), OPENED_AT_ONCE):
            some = self._clients[start : start + OPENED_AT_ONCE]
            await asyncio.gather(*(client.connect(self._server.port) for client in some))

    async def _return(self) -> None:
        async def come_back(number: int, client: CrowdClient) -> None:
            await asyncio.sleep(number / len(self._clients) * _RETURN_S)
            await client.connect(self._server.port)

        await asyncio.gather(*(come_back(*pair) for pair in enumerate(self._clients)))

    async def _write(self) -> None:
        """Change what all of them watch, so that nobody can be fresh without a new result."""
        writer = await open_http_client(self._server.port, self._load.failed)
        check_success(await writer.ask(MUTATION_ROUTE, PUT, reading(0, amount=time.time_ns())))
        writer.close()

    def _hear(self, number: int, transition: bytes) -> None:
        # The first transition of a connection answers its whole query set.
        self._waiting.discard(number)
        if not self._waiting and not self._all_fresh.done():
            self._all_fresh.set_result(None)

    def _failed(self, error: Exception) -> None:
        if not self._all_fresh.done():
            self._all_fresh.set_exception(error)


def _queries_of(number: int, count: int) -> Sequence[Query]:
    """Return one query that every client has, and ``count`` - 1 that only this one has."""
    own = range(1 + number * count, 1 + number * count + count - 1)
    stretches = [0, *own][:count]
    return [
        (BETWEEN, b'{"start":%d,"end":%d}' % (it * _RANGE_SIZE, (it + 1) * _RANGE_SIZE))
        for it in stretches
    ]


def main() -> None:
    """Measure some storms and print one line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--queries", type=int, default=10)
    parser.add_argument("--storms", type=int, default=3)
    options = parser.parse_args()
    with loader() as load:
        bare_s, _, _ = _rage(load, options.clients, 0, options.storms)
        fresh_s, waits_ms, cpu_s = _rage(load, options.clients, options.queries, options.storms)
    print(
        f"reconnect_storm clients={options.clients} queries={options.queries} "
        f"storms={options.storms} fresh_max_s={rounded(max(fresh_s))} "
        f"floor_max_s={rounded(max(bare_s))} "
        f"cpu_per_client_us={rounded(cpu_s / options.clients / options.storms * 1e6)} "
        f"probe_p99_ms={rounded(percentile(waits_ms, 99))} probe_max_ms={rounded(max(waits_ms))}"
    )


def _rage(
    load: Loader, clients: int, queries: int, storms: int
) -> tuple[list[float], list[float], float]:
    """Return how long each storm took, what the probe waited, and the server's CPU time."""
    with server_under_test() as server:
        storm = Storm(load, server, clients, queries)
        with health_probe(server.port) as waits_ms:
            started_cpu_s = server.cpu_s()
            fresh_s = [storm.rage() for _ in range(storms)]
            cpu_s = server.cpu_s() - started_cpu_s
        storm.drop_all()
    return fresh_s, waits_ms, cpu_s


if __name__ == "__main__":
    main()
