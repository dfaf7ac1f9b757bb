"""What does a mutation cost through the websocket?

A transfer between two of 1,000 accounts: two indexed reads, two patches, durable when answered,
and recorded under the client's request number so that it happens once. 64 clients in a closed
loop; a mutation is over with the transition after its answer. ``accounts=hot``: eight of ten
transfers meet at the three most wanted accounts; a transfer that fails ends the run. Run:
``python -m benchmarks.mutation_websocket``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle

from benchmarks.floor import floor_server, floor_websocket
from benchmarks.load import CONNECTIONS, Loader
from benchmarks.measurement import Case, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import server_under_test
from benchmarks.sync_client import mutations, open_sync_clients
from benchmarks.workload import HOT_RATIO_MAX, TRANSFER, add_accounts, hot_transfers, transfers

CPU_US_MAX = 110


@contextmanager
def mutation_websocket(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app, open the sockets, and lend the cases and their floor."""
    with server_under_test() as server, floor_server() as bare:
        add_accounts(load, server.port)
        clients = load.run(lambda: open_sync_clients(server.port, CONNECTIONS, load.failed))

        def case(accounts: str, args: Sequence[bytes], target: Target, floor: str) -> Case:
            transfer = mutations(clients, TRANSFER, cycle(args))
            return Case(
                name="mutation_websocket",
                parameters={"accounts": accounts},
                measure=partial(load.closed_loop, server, transfer),
                targets=[target],
                floor=floor,
            )

        cost = Target("cpu_us", CPU_US_MAX)
        even = case("even", transfers(seed=1), cost, "floor_transfer_websocket")
        contention = Target("cpu_us", HOT_RATIO_MAX, is_ratio=True)
        yield [
            floor_websocket(load, bare, "transfer", cycle(transfers(seed=1))),
            even,
            case("hot", hot_transfers(seed=1), contention, floor=even.title),
        ]


if __name__ == "__main__":
    print_question(mutation_websocket)
