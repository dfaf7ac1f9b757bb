"""A keep-alive HTTP connection that knows just enough to load a server.

A real client library costs more CPU than the server under test, and would be what is measured
on a machine with two cores. So requests are put together from bytes, and of an answer only its
length and its success are looked at.
"""

import asyncio
from collections.abc import Callable
from typing import cast

Done = Callable[[bytes], None]
"""Hears the body of an answer."""

Failed = Callable[[Exception], None]

ANSWER_SECONDS_MAX = 30.0

_HEAD = (
    b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Convex-Client: npm-1.48.0\r\nContent-Length: %d\r\n\r\n%b"
)
_BODY = b'{"path":"%b","format":"convex_encoded_json","args":[%b]}'
_LENGTH = b"content-length: "


class HttpClient(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, failed: Failed) -> None:
        """Take who hears of a lost connection and of an answer that is none."""
        self._failed = failed
        self._received = b""
        self._done: Done | None = None
        self._is_closing = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # No isinstance: uvloop's transports are asyncio's by behaviour only.
        self._transport = cast(asyncio.Transport, transport)

    def call(self, route: bytes, path: bytes, args: bytes, done: Done) -> None:
        """Call a function: ``route`` is ``/api/mutation`` or its like, ``args`` a JSON object."""
        self.post(route, _BODY % (path, args), done)

    def post(self, route: bytes, body: bytes, done: Done) -> None:
        """Send one request; ``done`` hears the body of the answer."""
        self._done = done
        self._transport.write(_HEAD % (route, len(body), body))

    async def ask(self, route: bytes, path: bytes, args: bytes) -> bytes:
        """Call a function and return the body of its answer.

        Raises:
            RuntimeError: the function did not return.
            TimeoutError: no answer came.
        """
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.call(route, path, args, answer.set_result)
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            body = await answer
        check_success(body)
        return body

    def close(self) -> None:
        """Close the connection."""
        self._is_closing = True
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Gather an answer and hand on its body."""
        received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n")
        if head_end >= 0:
            head = received[:head_end].lower()
            start = head.find(_LENGTH) + len(_LENGTH)
            body_end = head_end + 4 + int(head[start:].split(b"\r\n", 1)[0])
            if len(received) >= body_end:
                self._received = received[body_end:]
                done, self._done = self._done, None
                if done is None or b" 200 " not in head[:16]:
                    self._failed(RuntimeError(f"unexpected answer: {received!r}"))
                else:
                    done(received[head_end + 4 : body_end])
                return
        self._received = received

    def connection_lost(self, error: Exception | None) -> None:
        """Tell of a connection that the server closed."""
        if not self._is_closing:
            self._failed(RuntimeError(f"the server closed an HTTP connection ({error})"))


async def open_http_client(port: int, failed: Failed) -> HttpClient:
    """Connect to a server on this machine."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: HttpClient(failed), "127.0.0.1", port)
    return client


def check_success(body: bytes) -> None:
    """Raise ``RuntimeError`` unless ``body`` is the answer of a function that returned."""
    if b'"status":"success"' not in body:
        raise RuntimeError(f"a call failed: {body!r}")
