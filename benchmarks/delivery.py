"""What does it cost to show one write to 1,000 or 2,000 subscribers, and when has the last it?

Every socket watches the same query, and 20 mutations a second over HTTP change its result, at
fixed times, whether or not everybody has seen the one before. The server's CPU time is divided by
the number of transitions that came, so each bears its share of the mutation and of the one run of
the query. ``latency_first_ms`` and ``latency_last_ms`` go from the time a write was due to the
first and to the last subscriber who saw it, or a newer one. The floor writes a frame that is
there already to every socket. Run: ``python -m benchmarks.delivery``.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.floor import floor_server
from benchmarks.http_client import HttpClient, check_success, open_http_client
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import ServerProcess, server_under_test
from benchmarks.sync_client import SyncClient, open_sync_clients
from benchmarks.websocket_client import WebsocketClient, open_websockets
from benchmarks.workload import BETWEEN, MUTATION_ROUTE, PUT, reading

SUBSCRIBERS_COUNTS = (1_000, 2_000)
WRITES_COUNT = 40
WRITES_PER_S = 20
CPU_US_MAX = 8
LATENCY_LAST_MS_MAX = 60
PLACE = 5
_AMOUNT = b'"amount":'

Hear = Callable[[bytes], None]
Subscriber = SyncClient | WebsocketClient
Subscribe = Callable[[Loader, int, Sequence[Hear]], Awaitable[Sequence[Subscriber]]]
"""Opens a socket at a port for each who hears; all of them watch the reading at ``PLACE``."""


@contextmanager
def delivery(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app and the floor for either crowd, and lend the cases."""
    with ExitStack() as stack:
        cases = []
        for count in SUBSCRIBERS_COUNTS:
            bare = stack.enter_context(floor_server())
            server = stack.enter_context(server_under_test())
            floor = Case(
                name="floor_delivery",
                parameters={"subscribers": count},
                measure=Audience(load, bare, b"/put", subscribe_bare, count).measure,
            )
            audience = Audience(load, server, MUTATION_ROUTE, subscribe, count)
            targets = [
                Target("cpu_us", CPU_US_MAX),
                Target("latency_last_ms", LATENCY_LAST_MS_MAX, percent=99),
            ]
            parameters = {"subscribers": count}
            case = Case("delivery", audience.measure, parameters, targets, floor=floor.title)
            cases += [floor, case]
        yield cases


@dataclass(slots=True)
class Write:
    """One write on its way to the subscribers."""

    due_s: float
    unseen_count: int
    first_s: float = 0.0
    last_s: float = 0.0


class Audience:
    """Subscribers who all watch one reading, and the writer who changes it."""

    def __init__(
        self, load: Loader, server: ServerProcess, route: bytes, subscribe: Subscribe, count: int
    ) -> None:
        """Connect everybody and let them watch."""
        self._load = load
        self._server = server
        self._route = route
        self._count = count
        # Writes are numbered over all measurements, and the number is what is written.
        self._writes: list[Write] = []
        self._seen = [0] * count
        self._deliveries_count = 0
        self._unanswered_count = 0
        self._finish: Callable[[], None] = lambda: None
        hears = [self._hear_as(subscriber) for subscriber in range(count)]
        load.run(lambda: subscribe(load, server.port, hears))

    def measure(self) -> Sample:
        """Write for a while, and wait until everybody has seen the last write."""
        first, self._deliveries_count = len(self._writes), 0
        started_cpu_s = self._server.cpu_s()
        self._load.run(self._write_all)
        cpu_s = self._server.cpu_s() - started_cpu_s
        writes = self._writes[first:]
        return {
            "cpu_us": [cpu_s / self._deliveries_count * 1e6],
            "latency_first_ms": [(write.first_s - write.due_s) * 1e3 for write in writes],
            "latency_last_ms": [(write.last_s - write.due_s) * 1e3 for write in writes],
            "deliveries_share": [self._deliveries_count / (self._count * len(writes))],
        }

    async def _write_all(self) -> None:
        # One for each write, because a connection takes no request before the last was answered.
        port, failed = self._server.port, self._load.failed
        opening = (open_http_client(port, failed) for _ in range(WRITES_COUNT))
        writers = await asyncio.gather(*opening)

        def begin(finish: Callable[[], None]) -> None:
            self._finish, self._unanswered_count = finish, WRITES_COUNT
            loop, started_s = asyncio.get_running_loop(), time.perf_counter()
            for number, writer in enumerate(writers):
                after_s = number / WRITES_PER_S
                loop.call_later(after_s, self._write, writer, started_s + after_s)

        await self._load.wait(begin)
        for writer in writers:
            writer.close()

    def _write(self, writer: HttpClient, due_s: float) -> None:
        args = reading(PLACE, amount=len(self._writes))
        self._writes.append(Write(due_s=due_s, unseen_count=self._count))
        writer.call(self._route, PUT, args, self._answered)

    def _answered(self, body: bytes) -> None:
        check_success(body)
        self._unanswered_count -= 1
        self._finish_if_over()

    def _hear_as(self, subscriber: int) -> Hear:
        """Return what takes the transitions of one subscriber."""

        def hear(transition: bytes) -> None:
            now_s = time.perf_counter()
            start = transition.index(_AMOUNT) + len(_AMOUNT)
            number = int(transition[start : transition.index(b".", start)])
            self._deliveries_count += 1
            # A slow subscriber gets only the newest transition, which shows all writes before.
            for write in self._writes[self._seen[subscriber] : number + 1]:
                if not write.first_s:
                    write.first_s = now_s
                write.unseen_count -= 1
                if write.unseen_count == 0:
                    write.last_s = now_s
                    self._finish_if_over()
            self._seen[subscriber] = number + 1

        return hear

    def _finish_if_over(self) -> None:
        if self._unanswered_count == 0 and self._writes[-1].unseen_count == 0:
            self._finish()


async def subscribe(load: Loader, port: int, hears: Sequence[Hear]) -> Sequence[SyncClient]:
    """Let clients of Livefile watch the reading."""
    clients = await open_sync_clients(port, len(hears), load.failed)
    for client, hear in zip(clients, hears, strict=True):
        await client.watch([(BETWEEN, b'{"start":0,"end":10}')])
        client.on_transition = hear
    return clients


async def subscribe_bare(
    load: Loader, port: int, hears: Sequence[Hear]
) -> Sequence[WebsocketClient]:
    """Let sockets of the floor server watch."""
    return await open_websockets(port, b"/watch", hears, load.failed)


if __name__ == "__main__":
    print_question(delivery)
