"""What does a mutation cost through the websocket?

A transfer between two of 1,000 accounts: two indexed reads, two patches, durable when answered,
and recorded under the client's request number so that it happens once. 64 clients in a closed
loop; a mutation is over with the transition after its answer. Run:
``python -m benchmarks.mutation_websocket``.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle

from benchmarks.load import CONNECTIONS, Loader, Operation
from benchmarks.measurement import Case, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import server_under_test
from benchmarks.sync_client import SyncClient, open_sync_clients
from benchmarks.workload import TRANSFER, add_accounts, transfers

CPU_US_MAX = 150


@contextmanager
def mutation_websocket(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app, open the sockets, and lend the case."""
    with server_under_test() as server:
        add_accounts(load, server.port)
        clients = load.run(lambda: open_sync_clients(server.port, CONNECTIONS, load.failed))
        remaining = cycle(transfers(seed=1))

        def transfer(client: SyncClient, over: Callable[[], None]) -> None:
            client.mutate(TRANSFER, next(remaining), over)

        operations: list[Operation] = [partial(transfer, client) for client in clients]
        yield [
            Case(
                name="mutation_websocket",
                parameters={"connections": CONNECTIONS},
                measure=lambda: load.closed_loop(server, operations),
                target=Target("cpu_us", CPU_US_MAX),
                floor=("floor_websocket_echo", "floor_transfer group=64"),
            )
        ]


if __name__ == "__main__":
    print_question(mutation_websocket)
