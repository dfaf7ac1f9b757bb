"""What does the same work cost without Livefile?

The raw transfer: two indexed reads and two updates through apsw in a loop, durable, one commit
each or one for 64. The echo: aiohttp on uvloop with 64 connections, over HTTP and through a
websocket, with a body as long as that of a transfer. Run: ``python -m benchmarks.floors``.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import apsw

from benchmarks.http_caller import http_closed_loop
from benchmarks.http_client import HttpClient
from benchmarks.load import CONNECTIONS, Loader, Operation
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question
from benchmarks.server_under_test import ServerProcess, free_port
from benchmarks.websocket_client import WebsocketClient, open_websocket
from benchmarks.workload import ACCOUNTS_COUNT, transfers

TRANSFERS_COUNT = 3_200

_BODY = b'{"path":"accounts:transfer","args":[%b]}' % transfers(seed=1)[0]
_TABLES = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, document BLOB NOT NULL);
"""
_READ = "SELECT id, document FROM accounts WHERE name = ?"
_WRITE = "UPDATE accounts SET document = ? WHERE id = ?"


@contextmanager
def floors(load: Loader) -> Iterator[Sequence[Case]]:
    """Fill a database, start the echo server, and lend all cases."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        transfer = RawTransfer(Path(name) / "raw.db")
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.echo_server", str(port)]
        server = ServerProcess(command, port, Path(name) / "output")
        try:
            texts = _open_texts(load, port)
            yield [
                *(
                    Case("floor_transfer", partial(transfer.measure, group), {"group": group})
                    for group in (1, CONNECTIONS)
                ),
                Case("floor_http_echo", partial(http_closed_loop, load, server, _post)),
                Case("floor_websocket_echo", partial(load.closed_loop, server, texts)),
            ]
        finally:
            transfer.close()
            server.stop()


class RawTransfer:
    """A file with accounts, and transfers between them in this thread."""

    def __init__(self, path: Path) -> None:
        self._random = Random(1)
        self._connection = apsw.Connection(str(path))
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", "full")
        with self._connection:
            self._connection.execute(_TABLES)
            self._connection.executemany(
                "INSERT INTO accounts (name, document) VALUES (?, ?)",
                [(f"account-{number}", _document(0)) for number in range(ACCOUNTS_COUNT)],
            )

    def measure(self, group: int) -> Sample:
        """Run transfers, ``group`` of them for each commit."""
        started_cpu_s, latencies_us = time.process_time(), []
        for start in range(0, TRANSFERS_COUNT, group):
            started_s = time.perf_counter()
            self._connection.execute("BEGIN IMMEDIATE")
            for number in range(start, start + group):
                self._transfer(number)
            self._connection.execute("COMMIT")
            latencies_us.append((time.perf_counter() - started_s) * 1e6)
        cpu_s = time.process_time() - started_cpu_s
        return {"cpu_us": [cpu_s / TRANSFERS_COUNT * 1e6], "commit_us": latencies_us}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _transfer(self, number: int) -> None:
        for account in self._random.sample(range(ACCOUNTS_COUNT), 2):
            id, _ = self._connection.execute(_READ, (f"account-{account}",)).get
            self._connection.execute(_WRITE, (_document(number), id))


def _document(number: int) -> bytes:
    # Other bytes each time, since SQLite does not write what stays as it is.
    return b"%0110d" % number


def _post(client: HttpClient, over: Callable[[], None]) -> None:
    client.post(b"/echo", _BODY, lambda answer: over())


def _open_texts(load: Loader, port: int) -> list[Operation]:
    text = b'{"type":"Mutation","args":[%b]}' % transfers(seed=1)[0]

    def send(client: WebsocketClient, over: Callable[[], None]) -> None:
        client.hear = lambda message: over()
        client.send(text)

    async def connect() -> list[WebsocketClient]:
        opened = (
            open_websocket(port, b"/socket", lambda message: None, load.failed)
            for _ in range(CONNECTIONS)
        )
        return await asyncio.gather(*opened)

    return [partial(send, client) for client in load.run(connect)]


if __name__ == "__main__":
    print_question(floors)
