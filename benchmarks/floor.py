"""Floors: the same load on a server that does the same work with as little as possible.

A question lends its floor as a case of its own, so that the two are measured in the same round.

Not here: that server (``floor_server.py``), and SQL alone (``floor_transfer.py``).
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.http_client import check_success
from benchmarks.load import CONNECTIONS, Loader, Operation
from benchmarks.measurement import Case
from benchmarks.server_under_test import ServerProcess, free_port
from benchmarks.websocket_client import WebsocketClient, open_websockets

_MUTATION = b'{"type":"Mutation","requestId":1,"args":[%b]}'


@contextmanager
def floor_server() -> Iterator[ServerProcess]:
    """Lend a floor server on a new file, in the folder for temporary files."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        folder, port = Path(name), free_port()
        file = str(folder / "floor.db")
        command = [sys.executable, "-m", "benchmarks.floor_server", file, str(port)]
        server = ServerProcess(command, port, folder / "output")
        try:
            yield server
        finally:
            server.stop()


def floor_http(load: Loader, server: ServerProcess, work: str, args: Iterator[bytes]) -> Case:
    """Return the case of 64 connections that ask for ``work`` over HTTP."""
    ask = caller(f"/{work}".encode(), work.encode(), args)
    return Case(f"floor_{work}_http", partial(http_closed_loop, load, server, ask))


def floor_websocket(load: Loader, server: ServerProcess, work: str, args: Iterator[bytes]) -> Case:
    """Return the case of 64 websockets that ask for ``work``."""

    def ask(client: WebsocketClient, over: Callable[[], None]) -> None:
        def hear(answer: bytes) -> None:
            check_success(answer)
            over()

        client.hear = hear
        client.send(_MUTATION % next(args))

    hears = [lambda message: None] * CONNECTIONS
    path = f"/{work}".encode()
    clients = load.run(lambda: open_websockets(server.port, path, hears, load.failed))
    operations: list[Operation] = [partial(ask, client) for client in clients]
    return Case(f"floor_{work}_websocket", partial(load.closed_loop, server, operations))
