"""How much longer do others wait while a function in TypeScript runs wild?

Two clients make transfers one after the other, one in Python and one in TypeScript, each on a
socket of its own, for two seconds: alone, beside a third client that calls an endless loop again
and again, and beside one that calls a function that takes all memory. On a machine with few cores
the wild process also takes one of them. Run: ``python -m benchmarks.javascript_neighbours``.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle

from benchmarks.http_client import HttpClient, open_http_client
from benchmarks.javascript_server import JavaScriptServer, javascript_server
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question
from benchmarks.workload import MUTATION_ROUTE, TRANSFER, transfers

DURATION_S = 2.0
PAUSE_S = 0.002  # Between two calls of a neighbour: it does not fill the server by itself.


@contextmanager
def javascript_neighbours(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve both apps, and lend a case for each kind of company."""
    with javascript_server(load) as server:
        yield [
            Case(
                name="javascript_neighbours",
                parameters={"beside": beside},
                measure=partial(_measure, load, server, path),
                floor=None if path is None else "javascript_neighbours beside=nobody",
            )
            for beside, path in (
                ("nobody", None),
                ("endless", b"wild:endless"),
                ("hungry", b"wild:hungry"),
            )
        ]


def _measure(load: Loader, server: JavaScriptServer, wild: bytes | None) -> Sample:
    return load.run(partial(_run, load, server, wild))


async def _run(load: Loader, server: JavaScriptServer, wild: bytes | None) -> Sample:
    clients = [await open_http_client(server.port, load.failed) for _ in range(3)]
    end_s = time.perf_counter() + DURATION_S
    python, typescript = clients[:2]
    neighbours = [_call(python, TRANSFER, end_s), _call(typescript, b"ledgers:transfer", end_s)]
    running_wild = None
    if wild is not None:
        running_wild = asyncio.ensure_future(_run_wild(clients[2], wild, end_s))
    of_python, of_typescript = await asyncio.gather(*neighbours)
    if running_wild is not None:
        await running_wild
    for client in clients:
        client.close()
    return {
        "python_ms": of_python,
        "python_longest_ms": [max(of_python)],
        "typescript_ms": of_typescript,
        "typescript_longest_ms": [max(of_typescript)],
    }


async def _call(client: HttpClient, path: bytes, end_s: float) -> list[float]:
    durations_ms: list[float] = []
    for args in cycle(transfers(seed=1)):
        started_s = time.perf_counter()
        if started_s >= end_s:
            break
        await client.ask(MUTATION_ROUTE, path, args)
        durations_ms.append((time.perf_counter() - started_s) * 1e3)
        await asyncio.sleep(PAUSE_S)
    return durations_ms


async def _run_wild(client: HttpClient, path: bytes, end_s: float) -> None:
    body = b'{"path":"%b","args":{},"format":"json"}' % path
    while time.perf_counter() < end_s:
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        client.post(MUTATION_ROUTE, body, answered.set_result)
        answer = await answered
        if b'"status":"error"' not in answer:
            raise RuntimeError(f"a wild function was not stopped: {answer!r}")


if __name__ == "__main__":
    print_question(javascript_neighbours)
