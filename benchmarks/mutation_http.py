"""What does a mutation cost over HTTP?

A transfer between two of 1,000 accounts: two indexed reads, two patches, durable when answered.
64 keep-alive connections in a closed loop. Run: ``python -m benchmarks.mutation_http``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.load import CONNECTIONS, Loader
from benchmarks.measurement import Case, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import server_under_test
from benchmarks.workload import MUTATION_ROUTE, TRANSFER, add_accounts, transfers

CPU_US_MAX = 180


@contextmanager
def mutation_http(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app, open the connections, and lend the case."""
    with server_under_test() as server:
        add_accounts(load, server.port)
        transfer = caller(MUTATION_ROUTE, TRANSFER, cycle(transfers(seed=1)))
        yield [
            Case(
                name="mutation_http",
                parameters={"connections": CONNECTIONS},
                measure=lambda: http_closed_loop(load, server, transfer),
                target=Target("cpu_us", CPU_US_MAX),
                floor=("floor_http_echo", "floor_transfer group=64"),
            )
        ]


if __name__ == "__main__":
    print_question(mutation_http)
