"""How much memory does a server hold that nobody uses?

A server on a file with 1,000 documents, restarted, after one mutation, one query and one live
query, whose client has left. Resident memory, code shared with other processes included. Run:
``python -m benchmarks.idle_memory``.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.http_client import open_http_client
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import ServerProcess, free_port, serve_command
from benchmarks.sync_client import open_sync_clients
from benchmarks.workload import (
    BETWEEN,
    MUTATION_ROUTE,
    PUT,
    QUERY_ROUTE,
    add_accounts,
    reading,
)

MEMORY_MB_MAX = 60


@contextmanager
def idle_memory(load: Loader) -> Iterator[Sequence[Case]]:
    """Make a file, and lend the case."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        folder = Path(name)
        server = _serve(folder)
        try:
            add_accounts(load, server.port)
        finally:
            server.stop()
        yield [
            Case(
                name="idle_memory",
                measure=partial(_measure, folder, load),
                targets=[Target("resident_mb", MEMORY_MB_MAX)],
            )
        ]


def _measure(folder: Path, load: Loader) -> Sample:
    server = _serve(folder)
    try:
        load.run(partial(_use_once, load, server.port))
        return {"resident_mb": [server.memory_mb()]}
    finally:
        server.stop()


async def _use_once(load: Loader, port: int) -> None:
    http = await open_http_client(port, load.failed)
    await http.ask(MUTATION_ROUTE, PUT, reading(place=1, amount=1))
    everything = b'{"start":0,"end":10}'
    await http.ask(QUERY_ROUTE, BETWEEN, everything)
    (client,) = await open_sync_clients(port, 1, load.failed)
    await client.watch([(BETWEEN, everything)])
    client.close()
    http.close()


def _serve(folder: Path) -> ServerProcess:
    port = free_port()
    return ServerProcess(serve_command(folder / "bench.db", port), port, folder / "output")


if __name__ == "__main__":
    print_question(idle_memory)
