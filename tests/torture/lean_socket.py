"""A websocket of a client that expects the worst: bytes that dribble, and ends at any moment.

It costs little, because twenty of them share the machine with the server under test.

Not here: what the messages say (``live_client.py``).
"""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

_HANDSHAKE = (
    b"GET /api/1.48.0/sync HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
_FINAL_TEXT, _FINAL_CLOSE, _FINAL_PING, _FINAL_PONG = 0x81, 0x88, 0x89, 0x8A
_NO_MASK = bytes(4)  # Clients must mask; this mask changes nothing.
_RECEIVE_BUFFER_BYTES = 4096


class LeanSocket(asyncio.Protocol):
    """One socket. ``hear`` gets every message, ``lost`` the one end with its reason."""

    def __init__(self, hear: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        self.is_open = False
        self._hear = hear
        self._lost = lost
        self._is_lost = False
        self._received = b""
        self._goodbye = ""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        if not self.is_open:
            head, separator, received = received.partition(b"\r\n\r\n")
            if not separator:
                self._received = head
                return
            if b" 101 " not in head[:16]:
                self._goodbye = f"no websocket: {head[:80]!r}"
                self._transport.abort()
                return
            self.is_open = True
        start, size = 0, len(received)
        while size - start >= 2 and not self._is_lost:
            payload_start, length = start + 2, received[start + 1]
            if length >= 126:
                payload_start += 2 if length == 126 else 8
                length = int.from_bytes(received[start + 2 : payload_start])
            end = payload_start + length
            if size < payload_start or size < end:
                break
            self._take(received[start], received[payload_start:end])
            start = end
        self._received = received[start:]

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._lost(self._goodbye or f"lost: {error}")

    def send(self, text: bytes) -> None:
        """Send one message; on a socket that has ended, nothing happens."""
        self._write(_FINAL_TEXT, text)

    def drop(self) -> None:
        """End the connection without a word; ``lost`` does not hear of it."""
        self._is_lost = True
        self._transport.abort()

    def pause_reading(self) -> None:
        """Read nothing for now; what is sent gathers on the way."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _take(self, first: int, payload: bytes) -> None:
        if first == _FINAL_TEXT:
            self._hear(payload)
        elif first == _FINAL_PING:
            self._write(_FINAL_PONG, payload)
        elif first == _FINAL_CLOSE:
            self._goodbye = f"closed: {int.from_bytes(payload[:2])} {payload[2:].decode()}"
            self._transport.abort()
        else:
            raise AssertionError(f"unexpected frame {first:#x} {payload[:80]!r}")

    def _write(self, first: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            header = bytes((first, 0x80 | size))
        else:
            assert size < 65536
            header = bytes((first, 0x80 | 126)) + size.to_bytes(2)
        if not self._transport.is_closing():
            self._transport.write(header + _NO_MASK + payload)


async def open_lean_socket(
    port: int,
    hear: Callable[[bytes], None],
    lost: Callable[[str], None],
    *,
    has_small_buffer: bool = False,
) -> LeanSocket:
    """Connect to this machine. Messages may be sent at once; the handshake goes first.

    With a small buffer, what the client does not read is soon felt by the server.

    Raises:
        OSError: nobody listens there.
    """
    connection = socket.socket()
    try:
        if has_small_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", port))
        _, client = await loop.create_connection(lambda: LeanSocket(hear, lost), sock=connection)
    except BaseException:
        connection.close()
        raise
    return client
