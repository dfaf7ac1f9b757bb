"""A server on an event loop of its own thread, for tests that talk to it over real sockets."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

import orjson

from livefile import Livefile
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.serve import Addresses, ServerSettings, run_server

CONFORMANCE_APP = Path(__file__).parents[2] / "fixtures" / "conformance"
WAIT_S = 30.0
"""Longer than anything takes; only a hang reaches it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the server."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers at ``address`` and stops when ``stop`` is called."""

    livefile: Livefile
    admin_key: str
    address: str
    port: int
    site: str | None
    loop: asyncio.AbstractEventLoop
    stopping: asyncio.Event
    thread: threading.Thread

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", port or self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(status=response.status, headers=response.headers, body=response.read())
        finally:
            connection.close()

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """POST ``body`` as JSON."""
        return self.request(
            "POST",
            path,
            orjson.dumps(body),
            {"Content-Type": "application/json", **(headers or {})},
        )

    def stop(self) -> None:
        """Stop as SIGTERM does, and wait for the end."""
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


@contextmanager
def run_in_background(
    livefile: Livefile, web_root: Path | None = None, settings: ServerSettings | None = None
) -> Iterator[RunningServer]:
    """Serve ``livefile`` until the block is left, on free ports unless ``settings`` say otherwise.

    The admin key is empty if the file had one before; only its hash is kept.
    """
    key = AdminKeys(livefile).make("livefile") or ""
    started: list[RunningServer] = []
    is_started = threading.Event()

    async def run() -> None:
        stopping = asyncio.Event()

        def on_started(addresses: Addresses) -> None:
            started.append(
                RunningServer(
                    livefile=livefile,
                    admin_key=key,
                    address=addresses.main,
                    port=int(addresses.main.rpartition(":")[2]),
                    site=addresses.site,
                    loop=asyncio.get_running_loop(),
                    stopping=stopping,
                    thread=thread,
                )
            )
            is_started.set()

        chosen = settings or ServerSettings(port=0, web_root=web_root)
        await run_server(livefile, chosen, stopping, on_started)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="server of a test")
    thread.start()
    assert is_started.wait(WAIT_S)
    (running,) = started
    try:
        yield running
    finally:
        if thread.is_alive():
            running.stop()
