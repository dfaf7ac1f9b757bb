"""The sync protocol as a load generator speaks it: mutations one at a time, and live queries.

A mutation is over when the transition after its answer has come, because that is when the
official clients hand its result to the caller.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from uuid import UUID

from benchmarks.load import Operation
from benchmarks.websocket_client import OPENED_AT_ONCE, Failed, WebsocketClient, open_websocket

_PATH = b"/api/1.48.0/sync"
_CONNECT = (
    b'{"type":"Connect","sessionId":"%b","connectionCount":0,"lastCloseReason":"InitialConnect",'
    b'"clientTs":0}'
)
_MUTATION = b'{"type":"Mutation","requestId":%d,"udfPath":"%b","args":[%b]}'
_ADD = b'{"type":"Add","queryId":%d,"udfPath":"%b","args":[%b]}'
_MODIFY = b'{"type":"ModifyQuerySet","baseVersion":%d,"newVersion":%d,"modifications":[%b]}'


class SyncClient:
    """One socket of the sync protocol. ``on_transition`` hears those that nobody waits for."""

    def __init__(self, failed: Failed) -> None:
        """Take who hears of a lost connection and of a mutation that failed."""
        self.on_transition: Callable[[bytes], None] = lambda transition: None
        self._failed = failed
        self._socket: WebsocketClient
        self._done: Callable[[], None] | None = None
        self._is_answered = False
        self._requests_count = 0
        self._query_set_version = 0

    async def open(self, port: int, number: int) -> None:
        """Connect as the client with this number, with an empty query set."""
        self._socket = await open_websocket(port, _PATH, self._hear, self._failed)
        self._socket.send(_CONNECT % str(UUID(int=number)).encode())
        await self.watch([])

    def mutate(self, path: bytes, args: bytes, done: Callable[[], None]) -> None:
        """Run a mutation; ``args`` is a JSON object."""
        self._done, self._is_answered = done, False
        self._socket.send(_MUTATION % (self._requests_count, path, args))
        self._requests_count += 1

    async def watch(self, queries: Sequence[tuple[bytes, bytes]]) -> None:
        """Add queries, given as (path, args), and wait for their results."""
        base = self._query_set_version
        self._query_set_version += 1
        modifications = b",".join(
            _ADD % (query_id, path, args) for query_id, (path, args) in enumerate(queries)
        )
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._done, self._is_answered = lambda: arrived.set_result(None), True
        self._socket.send(_MODIFY % (base, base + 1, modifications))
        await arrived

    def close(self) -> None:
        """Drop the connection."""
        self._socket.close()

    def _hear(self, message: bytes) -> None:
        if message.startswith(b'{"type":"Transition"'):
            if self._is_answered and self._done is not None:
                done, self._done = self._done, None
                done()
            else:
                self.on_transition(message)
        elif message.startswith(b'{"type":"MutationResponse"') and b'"success":true' in message:
            self._is_answered = True
        elif not message.startswith(b'{"type":"Ping"'):
            self._failed(RuntimeError(f"unexpected message: {message!r:.500}"))


async def open_sync_clients(port: int, count: int, failed: Failed) -> list[SyncClient]:
    """Open ``count`` sockets, each a client of its own."""
    clients = [SyncClient(failed) for _ in range(count)]
    for start in range(0, count, OPENED_AT_ONCE):
        numbers = range(start, min(start + OPENED_AT_ONCE, count))
        await asyncio.gather(*(clients[number].open(port, number) for number in numbers))
    return clients


def mutations(clients: Sequence[SyncClient], path: bytes, args: Iterator[bytes]) -> list[Operation]:
    """Return for each client what runs a mutation with the next of ``args``."""

    def mutate(client: SyncClient, over: Callable[[], None]) -> None:
        client.mutate(path, next(args), over)

    return [partial(mutate, client) for client in clients]
