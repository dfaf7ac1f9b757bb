"""A websocket that knows just enough to load a server: text messages in single frames.

The reasons are those of ``http_client.py``.

Not here: the sync protocol (``sync_client.py``).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

Hear = Callable[[bytes], None]
Failed = Callable[[Exception], None]

OPENED_AT_ONCE = 64  # More would overflow the backlog of some servers.

_HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
_FINAL_TEXT, _FINAL_PING, _FINAL_PONG = 0x81, 0x89, 0x8A
# Clients must mask. This mask changes no byte, so it costs us nothing, and the server the same
# as every other one.
_MASK = bytes(4)


class WebsocketClient(asyncio.Protocol):
    """One socket. ``hear`` gets every text message; pings are answered here."""

    def __init__(self, path: bytes, hear: Hear, failed: Failed) -> None:
        """Take the address's path, and who hears of messages and of a lost connection."""
        self.hear = hear
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._path = path
        self._failed = failed
        self._received = b""
        self._is_closing = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        # No isinstance: uvloop's transports are asyncio's by behaviour only.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_HANDSHAKE % self._path)

    def send(self, text: bytes) -> None:
        """Send one text message."""
        self._write(_FINAL_TEXT, text)

    def close(self) -> None:
        """Drop the connection."""
        self._is_closing = True
        self._transport.abort()

    def pause(self) -> None:
        """Read nothing more until ``resume``."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Cut what came into frames."""
        received = self._received + data if self._received else data
        if not self.opened.done():
            head, separator, received = received.partition(b"\r\n\r\n")
            if not separator:
                self._received = head
                return
            if b" 101 " not in head[:16]:
                self._failed(RuntimeError(f"no websocket: {head!r}"))
            self.opened.set_result(None)
        start, size = 0, len(received)
        while size - start >= 2:
            payload_start, length = start + 2, received[start + 1]
            if length >= 126:
                payload_start += 2 if length == 126 else 8
                length = int.from_bytes(received[start + 2 : payload_start])
            end = payload_start + length
            if size < payload_start or size < end:
                break
            self._take(received[start], received[payload_start:end])
            start = end
        self._received = received[start:] if start < size else b""

    def connection_lost(self, error: Exception | None) -> None:
        """Tell of a socket that the server closed."""
        if not self._is_closing:
            self._failed(RuntimeError(f"the server closed a websocket ({error})"))

    def _take(self, first: int, payload: bytes) -> None:
        if first == _FINAL_TEXT:
            self.hear(payload)
        elif first == _FINAL_PING:
            self._write(_FINAL_PONG, payload)
        else:
            self._failed(RuntimeError(f"unexpected frame {first:#x} {payload!r}"))

    def _write(self, first: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            header = bytes((first, 0x80 | size))
        elif size < 65536:
            header = bytes((first, 0x80 | 126)) + size.to_bytes(2)
        else:
            header = bytes((first, 0x80 | 127)) + size.to_bytes(8)
        self._transport.write(header + _MASK + payload)


async def open_websocket(port: int, path: bytes, hear: Hear, failed: Failed) -> WebsocketClient:
    """Open a websocket to a server on this machine."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(
        lambda: WebsocketClient(path, hear, failed), "127.0.0.1", port
    )
    await client.opened
    return client


async def open_websockets(
    port: int, path: bytes, hears: Sequence[Hear], failed: Failed
) -> list[WebsocketClient]:
    """Open a websocket for each who hears."""
    clients: list[WebsocketClient] = []
    for start in range(0, len(hears), OPENED_AT_ONCE):
        some = hears[start : start + OPENED_AT_ONCE]
        opening = (open_websocket(port, path, hear, failed) for hear in some)
        clients += await asyncio.gather(*opening)
    return clients
