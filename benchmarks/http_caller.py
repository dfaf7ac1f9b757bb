"""Load over HTTP: connections that call one function, each when its call before was answered.

They are opened for each measurement, because a server closes connections that are idle while
other cases have their turn. Opening is not counted.
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.http_client import HttpClient, check_success, open_http_client
from benchmarks.load import CONNECTIONS, Loader
from benchmarks.measurement import Sample
from benchmarks.server_under_test import ServerProcess

Begin = Callable[[HttpClient, Callable[[], None]], None]
"""Begins one request on a connection; the second argument is to be called when it is over."""


def http_closed_loop(load: Loader, server: ServerProcess, begin: Begin) -> Sample:
    """Load a server for a while with 64 connections."""

    async def connect() -> list[HttpClient]:
        opening = (open_http_client(server.port, load.failed) for _ in range(CONNECTIONS))
        return await asyncio.gather(*opening)

    clients = load.run(connect)
    operations = [partial(begin, client) for client in clients]
    load.closed_loop(server, operations, duration_s=0)  # Once each: now all are accepted.
    sample = load.closed_loop(server, operations)
    for client in clients:
        client.close()
    return sample


def caller(route: bytes, path: bytes, args: Iterator[bytes]) -> Begin:
    """Return what calls the function ``path`` with the next of ``args``."""

    def begin(client: HttpClient, over: Callable[[], None]) -> None:
        def done(body: bytes) -> None:
            check_success(body)
            over()

        client.call(route, path, next(args), done)

    return begin
