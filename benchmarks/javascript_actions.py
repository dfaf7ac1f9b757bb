"""Do actions in TypeScript that wait for a page wait side by side?

Ten actions fetch a page of a server on this machine that takes 100 ms to answer. Side by side they
take little more than that, one after the other a second. Run:
``python -m benchmarks.javascript_actions``.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import orjson

from benchmarks.http_client import open_http_client
from benchmarks.javascript_server import JavaScriptServer, javascript_server
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question

ACTION_ROUTE = b"/api/action"
FETCH = b"pages:fetchLength"
PAGE_S = 0.1
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nslow"
DURATION_MS_MAX = 300


@contextmanager
def javascript_actions(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve the app, and lend one case for one action and one for ten."""
    with javascript_server(load) as server:
        yield [
            Case(
                name="javascript_actions",
                parameters={"at_one_time": number},
                measure=partial(_measure, load, server, number),
                targets=[Target("duration_ms", DURATION_MS_MAX)],
            )
            for number in (1, 10)
        ]


def _measure(load: Loader, server: JavaScriptServer, number: int) -> Sample:
    return load.run(partial(_fetch_all, load, server, number))


async def _fetch_all(load: Loader, server: JavaScriptServer, number: int) -> Sample:
    page = await asyncio.start_server(_answer_late, "127.0.0.1", 0)
    port: int = page.sockets[0].getsockname()[1]
    args = orjson.dumps({"url": f"http://127.0.0.1:{port}/"})
    clients = [await open_http_client(server.port, load.failed) for _ in range(number)]
    started_cpu_s, started_s = server.cpu_s(), time.perf_counter()
    await asyncio.gather(*(client.ask(ACTION_ROUTE, FETCH, args) for client in clients))
    duration_s, cpu_s = time.perf_counter() - started_s, server.cpu_s() - started_cpu_s
    for client in clients:
        client.close()
    page.close()
    return {"duration_ms": [duration_s * 1e3], "cpu_us": [cpu_s / number * 1e6]}


async def _answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(PAGE_S)  # What is waited for; the answer has to take a while.
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


if __name__ == "__main__":
    print_question(javascript_actions)
