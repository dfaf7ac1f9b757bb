"""What does a mutation in TypeScript cost, beside the same one in Python?

A transfer between two of 1,000 accounts, as in ``mutation_websocket.py``; the CPU time is that of
the server and of its processes of JavaScript. ``steps=one by one`` waits for each read and write
before the next, ``steps=together`` asks for both reads and both writes at once. Run:
``python -m benchmarks.javascript_transfer``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle

from benchmarks.javascript_server import javascript_server
from benchmarks.load import CONNECTIONS, Loader
from benchmarks.measurement import Case, Target
from benchmarks.question import print_question
from benchmarks.sync_client import mutations, open_sync_clients
from benchmarks.workload import TRANSFER, transfers

CPU_US_MAX = 200


@contextmanager
def javascript_transfer(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve both apps, open the sockets, and lend the cases."""
    with javascript_server(load) as server:
        clients = load.run(lambda: open_sync_clients(server.port, CONNECTIONS, load.failed))

        def case(language: str, steps: str, path: bytes, floor: str | None) -> Case:
            transfer = mutations(clients, path, cycle(transfers(seed=1)))
            return Case(
                name="javascript_transfer",
                parameters={"language": language, "steps": steps},
                measure=partial(load.closed_loop, server, transfer),
                targets=[] if floor is None else [Target("cpu_us", CPU_US_MAX)],
                floor=floor,
            )

        python = case("python", "all", TRANSFER, None)
        yield [
            python,
            case("typescript", "together", b"ledgers:transfer", python.title),
            case("typescript", "one-by-one", b"ledgers:transferInSteps", python.title),
        ]


if __name__ == "__main__":
    print_question(javascript_transfer)
