"""What does it cost to insert one small document?

A document of two numbers in a table with one index beside the usual two, durable when answered,
through the websocket and over HTTP, 64 clients in a closed loop. The table grows meanwhile. Run:
``python -m benchmarks.insert``.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from random import Random

from benchmarks.floor import floor_http, floor_server, floor_websocket
from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.load import CONNECTIONS, Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import server_under_test
from benchmarks.sync_client import mutations, open_sync_clients
from benchmarks.workload import ADD, MUTATION_ROUTE, reading

CPU_US_MAX = 90
_READINGS_COUNT = 10_000


@contextmanager
def insert(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app, open the sockets, and lend the cases and their floors."""
    random = Random(1)
    args = cycle([reading(random.randrange(10**6), n) for n in range(_READINGS_COUNT)])
    with server_under_test() as server, floor_server() as bare:
        clients = load.run(lambda: open_sync_clients(server.port, CONNECTIONS, load.failed))
        socket = partial(load.closed_loop, server, mutations(clients, ADD, args))
        http = partial(http_closed_loop, load, server, caller(MUTATION_ROUTE, ADD, args))
        yield [
            floor_websocket(load, bare, "insert", args),
            _case("websocket", socket),
            floor_http(load, bare, "insert", args),
            _case("http", http),
        ]


def _case(way: str, measure: Callable[[], Sample]) -> Case:
    return Case(
        name="insert",
        parameters={"way": way},
        measure=measure,
        targets=[Target("cpu_us", CPU_US_MAX)],
        floor=f"floor_insert_{way}",
    )


if __name__ == "__main__":
    print_question(insert)
