"""How much memory does a connected subscriber take?

A new server each time. Its resident memory is read once 16 clients have watched, seen writes and
stayed, and again once 2,000 more have done the same: the difference, by 2,000. The floor is the
same with bare sockets. Run: ``python -m benchmarks.subscriber_memory``.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from benchmarks.delivery import PLACE, Subscribe, Subscriber, subscribe, subscribe_bare
from benchmarks.floor import floor_server
from benchmarks.http_client import HttpClient, open_http_client
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import ServerProcess, server_under_test
from benchmarks.workload import MUTATION_ROUTE, PUT, reading

SUBSCRIBERS_COUNT = 2_000
FIRST_COUNT = 16
WRITES_COUNT = 5
MEMORY_KIB_MAX = 20
_SETTLE_S = 0.5


@contextmanager
def subscriber_memory(load: Loader) -> Iterator[Sequence[Case]]:
    """Lend the case and its floor."""
    parameters = {"subscribers": SUBSCRIBERS_COUNT}
    bare = partial(_measure, load, floor_server, b"/put", subscribe_bare)
    floor = Case("floor_subscriber_memory", bare, parameters)
    measure = partial(_measure, load, server_under_test, MUTATION_ROUTE, subscribe)
    targets = [Target("memory_kib", MEMORY_KIB_MAX)]
    yield [floor, Case("subscriber_memory", measure, parameters, targets, floor=floor.title)]


class Crowd:
    """Subscribers of one server; all see every write before the next."""

    def __init__(self, load: Loader, server: ServerProcess, route: bytes, watch: Subscribe) -> None:
        self._load = load
        self._server = server
        self._route = route
        self._watch = watch
        self._clients: list[Subscriber] = []
        self._writes_count = 0
        self._unheard_count = 0
        self._finish: Callable[[], None] = lambda: None

    def grow(self, count: int) -> None:
        """Let more clients watch, show everybody some writes, and wait a while."""
        self._load.run(partial(self._grow, count))
        time.sleep(_SETTLE_S)

    def leave(self) -> None:
        """Drop all connections."""
        for client in self._clients:
            client.close()

    async def _grow(self, count: int) -> None:
        port = self._server.port
        self._clients += await self._watch(self._load, port, [self._hear] * count)
        writer = await open_http_client(port, self._load.failed)
        for _ in range(WRITES_COUNT):
            await self._load.wait(partial(self._write, writer))
        writer.close()

    def _write(self, writer: HttpClient, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._unheard_count = len(self._clients) + 1
        self._writes_count += 1
        writer.call(self._route, PUT, reading(PLACE, self._writes_count), self._hear)

    # The answer to the writer counts too: before it the connection takes no next write.
    def _hear(self, message: bytes) -> None:
        self._unheard_count -= 1
        if self._unheard_count == 0:
            self._finish()


def _measure(
    load: Loader,
    serve: Callable[[], AbstractContextManager[ServerProcess]],
    route: bytes,
    watch: Subscribe,
) -> Sample:
    with serve() as server:
        crowd = Crowd(load, server, route, watch)
        crowd.grow(FIRST_COUNT)
        before_mb = server.memory_mb()
        crowd.grow(SUBSCRIBERS_COUNT)
        after_mb = server.memory_mb()
        crowd.leave()
        return {"memory_kib": [(after_mb - before_mb) * 1e6 / 1024 / SUBSCRIBERS_COUNT]}


if __name__ == "__main__":
    print_question(subscriber_memory)
