"""What do clients that stop reading cost the server, and the other clients?

All clients watch one small reading; some of them a large result beside it, which changes with the
same writes. First the others are alone, then those with the large result come, stop reading for as
long as asked, and read again. Printed are the server's memory for each of them, how long after a
write the others had it without and with them, and how long they took to be up to date.

Only a small receive buffer is left to each client; what the kernel holds is not counted. Run:
``python -m benchmarks.slow_clients``; ``--help`` has the numbers.
"""

import argparse
import asyncio
import time
from collections.abc import Callable

from benchmarks.crowd_client import CrowdClient
from benchmarks.http_client import HttpClient, check_success, open_http_client
from benchmarks.load import Loader, loader
from benchmarks.measurement import percentile, rounded
from benchmarks.server_under_test import ServerProcess, server_under_test
from benchmarks.websocket_client import OPENED_AT_ONCE
from benchmarks.workload import BETWEEN, MUTATION_ROUTE, PUT, reading

_PLACE = 5
_AMOUNT = b'"amount":'
_BLOB = b"blobs:blob"
_FRESH_S_MAX = 60.0
_POLL_S = 0.1


class Crowd:
    """The clients of one server, the stuck ones first, and the one that writes."""

    def __init__(self, load: Loader, server: ServerProcess, options: argparse.Namespace) -> None:
        """Connect those who read and wait until each has its first result."""
        self.lags_ms: list[float] = []
        self.memory_mb_max = 0.0
        self._load = load
        self._server = server
        self._options = options
        self._due_s: list[float] = []
        self._newest = [-1] * options.clients
        small = (BETWEEN, b'{"start":0,"end":10}')
        large = (_BLOB, b'{"place":%d,"size":%d}' % (_PLACE, options.size_kb * 1000))
        self._clients = []
        for number in range(options.clients):
            queries = [small, large] if number < options.stuck else [small]
            client = CrowdClient(number, queries, load.failed)
            client.on_transition = self._hear_as(number)
            self._clients.append(client)
        load.run(self._open_writer)
        load.run(lambda: self._connect(range(options.stuck, options.clients)))

    def write_for(self, duration_s: float) -> None:
        """Write some times a second, and note the server's memory meanwhile."""
        self.lags_ms, self.memory_mb_max = [], 0.0
        self._load.run(lambda: self._write(duration_s))

    def stop_reading(self) -> None:
        """Let the stuck ones come, and stop after their first results."""
        self._load.run(lambda: self._connect(range(self._options.stuck)))
        for client in self._clients[: self._options.stuck]:
            client.stop_reading()

    def read_again(self) -> float:
        """Let the stuck ones go on; return after how many seconds all had the newest state."""
        started_s = time.perf_counter()
        for client in self._clients[: self._options.stuck]:
            client.read_again()
        self._load.run(lambda: self._wait_until_fresh(range(self._options.clients)))
        return time.perf_counter() - started_s

    def drop_all(self) -> None:
        """Cut everybody off."""
        for client in self._clients:
            client.drop()

    async def _open_writer(self) -> None:
        self._writer: HttpClient = await open_http_client(self._server.port, self._load.failed)
        await self._put()

    async def _connect(self, numbers: range) -> None:
        for start in range(0, len(numbers), OPENED_AT_ONCE):
            some = [self._clients[number] for number in numbers[start : start + OPENED_AT_ONCE]]
            await asyncio.gather(*(client.connect(self._server.port) for client in some))
        await self._wait_until_fresh(numbers)

    async def _write(self, duration_s: float) -> None:
        started_s, interval_s = time.perf_counter(), 1 / self._options.writes_per_s
        for number in range(int(duration_s / interval_s)):
            await asyncio.sleep(max(0.0, started_s + number * interval_s - time.perf_counter()))
            await self._put()
            self.memory_mb_max = max(self.memory_mb_max, self._server.memory_mb())
        await self._wait_until_fresh(range(self._options.stuck, self._options.clients))

    async def _put(self) -> None:
        args = reading(_PLACE, amount=len(self._due_s))
        self._due_s.append(time.perf_counter())
        check_success(await self._writer.ask(MUTATION_ROUTE, PUT, args))

    async def _wait_until_fresh(self, numbers: range) -> None:
        deadline_s = time.perf_counter() + _FRESH_S_MAX
        newest = len(self._due_s) - 1
        while any(self._newest[number] < newest for number in numbers):
            if time.perf_counter() > deadline_s:
                raise TimeoutError("some clients never got the newest state")
            await asyncio.sleep(_POLL_S)

    def _hear_as(self, number: int) -> Callable[[bytes], None]:
        is_stuck = number < self._options.stuck

        def hear(transition: bytes) -> None:
            now_s = time.perf_counter()
            start = transition.find(_AMOUNT)
            if start < 0:
                return
            start += len(_AMOUNT)
            seen = int(transition[start : transition.index(b".", start)])
            if not is_stuck:
                news = self._due_s[self._newest[number] + 1 : seen + 1]
                self.lags_ms += [(now_s - due_s) * 1e3 for due_s in news]
            self._newest[number] = seen

        return hear


def main() -> None:
    """Measure once and print one line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--stuck", type=int, default=200)
    parser.add_argument("--size-kb", type=int, default=500)
    parser.add_argument("--writes-per-s", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with loader() as load, server_under_test() as server:
        crowd = Crowd(load, server, options)
        crowd.write_for(options.seconds)
        alone_ms = crowd.lags_ms
        crowd.stop_reading()
        before_mb = server.memory_mb()
        crowd.write_for(options.seconds)
        stuck_ms, stuck_mb = crowd.lags_ms, crowd.memory_mb_max
        fresh_s = crowd.read_again()
        after_mb = server.memory_mb()
        crowd.drop_all()
    print(
        f"slow_clients clients={options.clients} stuck={options.stuck} size_kb={options.size_kb} "
        f"writes_per_s={options.writes_per_s:g} seconds={options.seconds:g} "
        f"memory_per_stuck_kb={rounded((stuck_mb - before_mb) * 1e3 / options.stuck)} "
        f"lag_median_ms={rounded(percentile(stuck_ms, 50))} "
        f"lag_p99_ms={rounded(percentile(stuck_ms, 99))} "
        f"lag_alone_median_ms={rounded(percentile(alone_ms, 50))} "
        f"lag_alone_p99_ms={rounded(percentile(alone_ms, 99))} "
        f"fresh_again_s={rounded(fresh_s)} "
        f"memory_before_mb={rounded(before_mb)} memory_after_mb={rounded(after_mb)}"
    )


if __name__ == "__main__":
    main()
