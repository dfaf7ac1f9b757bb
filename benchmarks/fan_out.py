"""What does it cost to show one write to 1,000 subscribers?

1,000 sockets watch the same query; one mutation over HTTP changes its result. The server's CPU
time is divided by the number of deliveries, so each bears its share of the mutation and of the
one run of the query. ``latency_first_us`` and ``latency_last_us`` go from sending the mutation to
the first and the last transition. Run: ``python -m benchmarks.fan_out``.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.http_client import check_success, open_http_client
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import ServerProcess, server_under_test
from benchmarks.sync_client import open_sync_clients
from benchmarks.workload import BETWEEN, MUTATION_ROUTE, PUT, reading

SUBSCRIBERS_COUNT = 1_000
WRITES_COUNT = 20
CPU_US_MAX = 10


@contextmanager
def fan_out(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app, let 1,000 clients watch one query, and lend the case."""
    with server_under_test() as server:
        audience = Audience(load, server)
        yield [
            Case(
                name="fan_out",
                parameters={"subscribers": SUBSCRIBERS_COUNT},
                measure=audience.measure,
                target=Target("cpu_us", CPU_US_MAX),
                floor=("floor_websocket_echo",),
            )
        ]


class Audience:
    """Clients that all watch the same stretch of readings, and the one that writes into it."""

    def __init__(self, load: Loader, server: ServerProcess) -> None:
        """Connect everybody and let them watch."""
        self._load = load
        self._server = server
        self._heard_count = 0
        self._first_s = 0.0
        self._finish: Callable[[], None] = lambda: None
        self._writes_count = 0
        load.run(self._open)

    def measure(self) -> Sample:
        """Write some times, each time waiting until everybody has seen it."""
        first_us: list[float] = []
        last_us: list[float] = []
        started_cpu_s = self._server.cpu_s()
        self._load.run(lambda: self._write_all(first_us, last_us))
        cpu_s = self._server.cpu_s() - started_cpu_s
        return {
            "cpu_us": [cpu_s / WRITES_COUNT / SUBSCRIBERS_COUNT * 1e6],
            "latency_first_us": first_us,
            "latency_last_us": last_us,
        }

    async def _open(self) -> None:
        failed = self._load.failed
        clients = await open_sync_clients(self._server.port, SUBSCRIBERS_COUNT, failed)
        for client in clients:
            await client.watch([(BETWEEN, b'{"start":0,"end":10}')])
            client.on_transition = self._hear

    async def _write_all(self, first_us: list[float], last_us: list[float]) -> None:
        self._writer = await open_http_client(self._server.port, self._load.failed)
        for _ in range(WRITES_COUNT):
            self._writes_count += 1
            self._heard_count, self._first_s = 0, 0.0
            started_s = time.perf_counter()
            await self._load.wait(self._write)
            last_us.append((time.perf_counter() - started_s) * 1e6)
            first_us.append((self._first_s - started_s) * 1e6)
        self._writer.close()

    def _write(self, finish: Callable[[], None]) -> None:
        self._finish = finish
        args = reading(place=5, amount=self._writes_count)
        self._writer.call(MUTATION_ROUTE, PUT, args, self._answered)

    def _answered(self, body: bytes) -> None:
        check_success(body)
        self._count()

    def _hear(self, transition: bytes) -> None:
        if not self._first_s:
            self._first_s = time.perf_counter()
        self._count()

    # The answer counts too: before it came, the connection cannot take the next write.
    def _count(self) -> None:
        self._heard_count += 1
        if self._heard_count == SUBSCRIBERS_COUNT + 1:
            self._finish()


if __name__ == "__main__":
    print_question(fan_out)
