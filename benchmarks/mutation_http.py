"""What does a mutation cost over HTTP?

A transfer between two of 1,000 accounts: two indexed reads, two patches, durable when answered.
64 keep-alive connections in a closed loop. ``accounts=hot``: eight of ten transfers meet at the
three most wanted accounts; a transfer that fails ends the run. Run:
``python -m benchmarks.mutation_http``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle

from benchmarks.floor import floor_http, floor_server
from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.load import Loader
from benchmarks.measurement import Case, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import server_under_test
from benchmarks.workload import (
    HOT_RATIO_MAX,
    MUTATION_ROUTE,
    TRANSFER,
    add_accounts,
    hot_transfers,
    transfers,
)

CPU_US_MAX = 140


@contextmanager
def mutation_http(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app, and lend the cases and their floor."""
    with server_under_test() as server, floor_server() as bare:
        add_accounts(load, server.port)

        def case(accounts: str, args: Sequence[bytes], target: Target, floor: str) -> Case:
            transfer = caller(MUTATION_ROUTE, TRANSFER, cycle(args))
            return Case(
                name="mutation_http",
                parameters={"accounts": accounts},
                measure=partial(http_closed_loop, load, server, transfer),
                targets=[target],
                floor=floor,
            )

        even = case("even", transfers(seed=1), Target("cpu_us", CPU_US_MAX), "floor_transfer_http")
        contention = Target("cpu_us", HOT_RATIO_MAX, is_ratio=True)
        yield [
            floor_http(load, bare, "transfer", cycle(transfers(seed=1))),
            even,
            case("hot", hot_transfers(seed=1), contention, floor=even.title),
        ]


if __name__ == "__main__":
    print_question(mutation_http)
