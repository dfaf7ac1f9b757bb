"""Does a write pay for subscriptions that it does not touch?

10 clients watch 10 or 10,000 ranges that do not overlap, one reading in each, of the same 10,000
readings. ``touched=none``: 64 connections in a closed loop write where nobody looks.
``touched=one``: for each client a connection writes into one of its ranges after the other, the
next when the client has seen it, so ten writes are under way and no two meet in a range. A write
is one indexed read and one patch. Run: ``python -m benchmarks.disjoint_subscriptions``.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle
from random import Random

from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.http_client import HttpClient, check_success, open_http_client
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import ServerProcess, server_under_test
from benchmarks.sync_client import SyncClient, open_sync_clients
from benchmarks.workload import BETWEEN, FILL_READINGS, MUTATION_ROUTE, PUT, reading

CLIENTS_COUNT = 10
READINGS_COUNT = 10_000
SUBSCRIPTIONS_COUNTS = (10, READINGS_COUNT)
RANGE_SIZE = 10
COST_RATIO_MAX = 1.2
_PLACES_COUNT = 1_000


@contextmanager
def disjoint_subscriptions(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app twice, with few and with many subscriptions, and lend the cases."""
    with ExitStack() as stack:
        cases: dict[str, list[Case]] = {"none": [], "one": []}
        for count in SUBSCRIPTIONS_COUNTS:
            server = stack.enter_context(server_under_test())
            crowd = Crowd(load, server, count)
            # Below zero nobody looks.
            args = [reading(place=-1 - n, amount=n) for n in range(_PLACES_COUNT)]
            miss = caller(MUTATION_ROUTE, PUT, cycle(args))
            miss_all = partial(http_closed_loop, load, server, miss)
            for touched, measure in (("none", miss_all), ("one", crowd.measure)):
                few = cases[touched][0].title if cases[touched] else None
                cases[touched].append(_case(touched, count, measure, few))
        yield [*cases["none"], *cases["one"]]


def _case(touched: str, count: int, measure: Callable[[], Sample], few: str | None) -> Case:
    return Case(
        name="disjoint_subscriptions",
        parameters={"touched": touched, "subscriptions": count},
        measure=measure,
        targets=[] if few is None else [Target("cpu_us", COST_RATIO_MAX, is_ratio=True)],
        floor=few,
    )


class Crowd:
    """Clients that watch ``count`` ranges between them, and a writer for each of them."""

    def __init__(self, load: Loader, server: ServerProcess, count: int) -> None:
        """Connect everybody, put a reading into every range, and let them watch."""
        self._load = load
        self._server = server
        # Few subscriptions are spread evenly, so that few and many writes meet as many pages.
        numbers = range(0, READINGS_COUNT, READINGS_COUNT // count)
        self._starts = [number * RANGE_SIZE for number in numbers]
        self._pairs: list[Pair] = []
        load.run(self._open)

    def measure(self) -> Sample:
        """Write into one range after the other for a while."""
        writers = self._load.run(self._open_writers)
        operations = [
            partial(pair.write, writer) for pair, writer in zip(self._pairs, writers, strict=True)
        ]
        self._load.closed_loop(self._server, operations, duration_s=0)
        sample = self._load.closed_loop(self._server, operations)
        for writer in writers:
            writer.close()
        return sample

    async def _open_writers(self) -> list[HttpClient]:
        port, failed = self._server.port, self._load.failed
        return await asyncio.gather(*(open_http_client(port, failed) for _ in self._pairs))

    async def _open(self) -> None:
        writer = await open_http_client(self._server.port, self._load.failed)
        args = b'{"start":0,"end":%d,"step":%d}' % (READINGS_COUNT, RANGE_SIZE)
        await writer.ask(MUTATION_ROUTE, FILL_READINGS, args)
        writer.close()
        clients = await open_sync_clients(self._server.port, CLIENTS_COUNT, self._load.failed)
        for number, client in enumerate(clients):
            starts = self._starts[number::CLIENTS_COUNT]
            await client.watch([(BETWEEN, _range(start)) for start in starts])
            self._pairs.append(Pair(client, starts))


class Pair:
    """A client that watches ranges, and the state of the writes into them."""

    def __init__(self, client: SyncClient, starts: Sequence[int]) -> None:
        self._random = Random(starts[0])
        self._starts = starts
        self._waiting_count = 0
        self._over: Callable[[], None] = lambda: None
        client.on_transition = self._hear

    def write(self, writer: HttpClient, over: Callable[[], None]) -> None:
        """Change a reading that the client watches; over when it was answered and seen."""
        self._over, self._waiting_count = over, 2
        place = self._random.choice(self._starts)
        args = reading(place, amount=self._random.randrange(2**40))
        writer.call(MUTATION_ROUTE, PUT, args, self._answered)

    def _answered(self, body: bytes) -> None:
        check_success(body)
        self._count_down()

    def _hear(self, transition: bytes) -> None:
        self._count_down()

    def _count_down(self) -> None:
        self._waiting_count -= 1
        assert self._waiting_count >= 0, "a write was seen that touched nobody"
        if self._waiting_count == 0:
            self._over()


def _range(start: int) -> bytes:
    return b'{"start":%d,"end":%d}' % (start, start + RANGE_SIZE)


if __name__ == "__main__":
    print_question(disjoint_subscriptions)
