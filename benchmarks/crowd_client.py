"""A client among many: it watches queries, may stop reading for a while, and come back.

Not here: mutations and answers one by one (``sync_client.py``).
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from uuid import UUID

from benchmarks.websocket_client import Failed, WebsocketClient

_PATH = b"/api/1.48.0/sync"
_CONNECT = b'{"type":"Connect","sessionId":"%b","connectionCount":%d,"clientTs":0}'
_ADD = b'{"type":"Add","queryId":%d,"udfPath":"%b","args":[%b]}'
_MODIFY = b'{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[%b]}'
# What the kernel keeps for a client that does not read is not the server's memory. Without this
# bound it would be some MiB for each.
_RECEIVE_BUFFER_SIZE_BYTES = 64 * 1024

Query = tuple[bytes, bytes]
"""A function's path and its arguments as JSON."""


class CrowdClient:
    """One client. ``on_transition`` hears every transition, the first one too."""

    def __init__(self, number: int, queries: Sequence[Query], failed: Failed) -> None:
        """Take the client's number, what it watches, and who hears of a lost connection."""
        self.on_transition: Callable[[bytes], None] = lambda transition: None
        self._number = number
        self._queries = queries
        self._failed = failed
        self._connection_count = 0
        self._socket: WebsocketClient

    async def connect(self, port: int) -> None:
        """Open a connection and ask for everything; the transitions come as they come."""
        raw = socket.socket()
        raw.setblocking(False)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_SIZE_BYTES)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", port))
        _, opened = await loop.create_connection(
            lambda: WebsocketClient(_PATH, self._hear, self._failed), sock=raw
        )
        await opened.opened
        self._socket = opened
        opened.send(_CONNECT % (str(UUID(int=self._number)).encode(), self._connection_count))
        added = [_ADD % (number, *query) for number, query in enumerate(self._queries)]
        opened.send(_MODIFY % b",".join(added))
        self._connection_count += 1

    def stop_reading(self) -> None:
        """Leave in the socket what comes."""
        self._socket.pause()

    def read_again(self) -> None:
        """Read what has come, and what will."""
        self._socket.resume()

    def drop(self) -> None:
        """Lose the connection without a word."""
        self._socket.close()

    def _hear(self, message: bytes) -> None:
        if message.startswith(b'{"type":"Transition"'):
            self.on_transition(message)
