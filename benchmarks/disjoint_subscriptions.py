"""Does a write pay for subscriptions that it does not touch?

10 clients watch 10 or 10,000 ranges that do not overlap. Three cases: 64 connections in a closed
loop write where nobody looks, with 10 and with 10,000 subscriptions, which should cost the same;
and, with 10,000, one connection writes into one range after the other, where the latency goes on
until the one subscriber has seen it. A write is one indexed read and one patch. Run:
``python -m benchmarks.disjoint_subscriptions``.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle
from random import Random

from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.http_client import HttpClient, check_success, open_http_client
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question
from benchmarks.server_under_test import ServerProcess, server_under_test
from benchmarks.sync_client import open_sync_clients
from benchmarks.workload import BETWEEN, MUTATION_ROUTE, PUT, reading

CLIENTS_COUNT = 10
SUBSCRIPTIONS_COUNTS = (10, 10_000)
RANGE_SIZE = 10
_PLACES_COUNT = 1_000


@contextmanager
def disjoint_subscriptions(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app twice, with few and with many subscriptions, and lend the cases."""
    with ExitStack() as stack:
        cases = []
        for count in SUBSCRIPTIONS_COUNTS:
            server = stack.enter_context(server_under_test())
            crowd = Crowd(load, server, count)
            # Below zero nobody looks.
            args = [reading(place=-1 - n, amount=n) for n in range(_PLACES_COUNT)]
            miss = caller(MUTATION_ROUTE, PUT, cycle(args))
            cases.append(_case("none", count, partial(http_closed_loop, load, server, miss)))
        # The last server is the one with many.
        cases.append(_case("one", count, crowd.measure))
        yield cases


class Crowd:
    """Clients that watch ``count`` ranges between them, and one that writes into a range."""

    def __init__(self, load: Loader, server: ServerProcess, count: int) -> None:
        """Connect everybody, put a reading into every range, and let them watch."""
        self._load = load
        self._server = server
        self._count = count
        self._random = Random(count)
        self._writer: HttpClient
        self._waiting_count = 0
        self._over: Callable[[], None] = lambda: None
        load.run(self._open)

    def measure(self) -> Sample:
        """Write into one range after the other for a while."""
        self._load.run(self._open_writer)
        self._load.closed_loop(self._server, [self._write_into_one], duration_s=0)
        sample = self._load.closed_loop(self._server, [self._write_into_one])
        self._writer.close()
        return sample

    def _write_into_one(self, over: Callable[[], None]) -> None:
        """Change a reading that one client watches; over when it was answered and seen."""
        self._over = over
        self._waiting_count = 2
        place = self._random.randrange(self._count) * RANGE_SIZE
        args = reading(place=place, amount=self._random.randrange(2**40))
        self._writer.call(MUTATION_ROUTE, PUT, args, self._answered)

    async def _open_writer(self) -> None:
        self._writer = await open_http_client(self._server.port, self._load.failed)

    async def _open(self) -> None:
        await self._open_writer()
        for number in range(self._count):
            args = reading(place=number * RANGE_SIZE, amount=0)
            await self._writer.ask(MUTATION_ROUTE, PUT, args)
        starts = range(0, self._count * RANGE_SIZE, RANGE_SIZE)
        queries = [
            (BETWEEN, b'{"start":%d,"end":%d}' % (start, start + RANGE_SIZE)) for start in starts
        ]
        clients = await open_sync_clients(self._server.port, CLIENTS_COUNT, self._load.failed)
        for number, client in enumerate(clients):
            await client.watch(queries[number::CLIENTS_COUNT])
            client.on_transition = self._hear
        self._writer.close()

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


def _case(touched: str, count: int, measure: Callable[[], Sample]) -> Case:
    return Case(
        name="disjoint_subscriptions",
        measure=measure,
        parameters={"touched": touched, "subscriptions": count},
    )


if __name__ == "__main__":
    print_question(disjoint_subscriptions)
