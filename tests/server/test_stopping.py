"""Stopping while clients hold on: what can be answered is, and the rest does not keep the server.

``stop`` fails if the server does not end. What holds on here never lets go by itself.
"""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import App, Livefile
from livefile_server.web import app as web_app
from tests.app_folder import write_app
from tests.server.running_server import WAIT_S, Answer, RunningServer, run_in_background
from tests.server.socket_client import open_socket, run_scenario
from tests.server.sync_client import add, connect, modify

HOLDING = """
    import asyncio
    import threading
    from livefile import *

    http = HttpRouter()
    is_there = threading.Event()

    @action
    async def hold(ctx: ActionCtx) -> None:
        is_there.set()
        await asyncio.Event().wait()

    @query
    def nothing(ctx: QueryCtx) -> None:
        return None

    @http.get("/stream")
    async def stream(ctx: HttpActionCtx, request: Request) -> Response:
        async def each():
            while True:
                yield bytes(1_000_000)
                is_there.set()
        return Response(each())
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App.load(write_app(tmp_path, {"http": HOLDING}))


@pytest.fixture
def holding(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    monkeypatch.setattr(web_app, "_SHUTDOWN_S_MAX", 0.1)
    with Livefile.open(":memory:", app=app) as livefile, run_in_background(livefile) as running:
        yield running


def is_there(app: App) -> Any:  # Any: the app's own event.
    return app.functions["http:hold"].body.__globals__["is_there"]


def open_connection(server: RunningServer, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S)
    connection.sendall(sent)
    return connection


def test_a_call_that_does_not_end_is_answered_with_an_error(
    holding: RunningServer, app: App
) -> None:
    answers: list[Answer] = []
    body = {"path": "http:hold", "args": {}}
    asking = threading.Thread(target=lambda: answers.append(holding.post("/api/action", body)))
    asking.start()
    assert is_there(app).wait(WAIT_S)

    holding.stop()

    asking.join(WAIT_S)
    (answer,) = answers
    assert (answer.status, answer.json["code"]) == (408, "ClientDisconnect")
    assert answer.headers["Connection"] == "close"


def test_a_body_that_does_not_come_is_not_waited_for(holding: RunningServer) -> None:
    head = b"POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    with open_connection(holding, head + b"Content-Length: 9\r\n\r\n{") as connection:
        # Answered in order, on another connection: the first one was read by then.
        assert holding.request("GET", "/api/health").status == 200
        holding.stop()

        received = b"".join(iter(lambda: connection.recv(1000), b""))
    assert received == b"" or received.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("sent", [b"", b"GET /api/heal", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_request_that_is_not_whole_is_not_waited_for(holding: RunningServer, sent: bytes) -> None:
    with open_connection(holding, sent) as connection:
        assert holding.request("GET", "/api/health").status == 200
        holding.stop()

        assert connection.recv(1000) == b""


def test_a_response_that_nobody_reads_is_not_waited_for(holding: RunningServer, app: App) -> None:
    with open_connection(holding, b"GET /http/stream HTTP/1.1\r\nHost: a\r\n\r\n"):
        assert is_there(app).wait(WAIT_S)

        holding.stop()


def test_websockets_are_told_to_come_again(holding: RunningServer) -> None:
    ends: list[int | None] = []

    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await client.send(connect())
            await client.send(modify(0, 1, add(0, "http:nothing")))
            await client.read_until("Transition")
            server.loop.call_soon_threadsafe(server.stopping.set)
            ends.append(await client.read_end())

    run_scenario(holding, scenario)
    holding.stop()

    assert ends == [1001]
