"""A strict client of the sync protocol over a real websocket, for tests of the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from livefile_server.sync.timestamp import decode_timestamp
from tests.server.running_server import WAIT_S, RunningServer
from tests.server.sync_client import version


class SocketClient:
    """One socket. It checks the chain of transitions as it reads them."""

    def __init__(self, websocket: ClientWebSocketResponse) -> None:
        self.websocket = websocket
        self.version = version(0, 0, 0)
        self.values: dict[int, Any] = {}

    async def send(self, text: bytes) -> None:
        await self.websocket.send_str(text.decode())

    async def read(self) -> Any:
        """The next message but for pings; transitions are applied to ``values``."""
        while True:
            message = await self.websocket.receive(WAIT_S)
            assert message.type is WSMsgType.TEXT, message
            frame = orjson.loads(message.data)
            if frame["type"] == "Transition":
                self._apply(frame)
            if frame["type"] != "Ping":
                return frame

    async def read_until(self, kind: str) -> Any:
        """The next message of one type."""
        while True:
            frame = await self.read()
            if frame["type"] == kind:
                return frame

    async def read_end(self) -> int | None:
        """The code with which the server closes the socket now."""
        message = await self.websocket.receive(WAIT_S)
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED), message
        return self.websocket.close_code

    @property
    def ts(self) -> int:
        """The timestamp of what the client shows."""
        return decode_timestamp(self.version["ts"])

    def _apply(self, transition: Any) -> None:
        assert transition["startVersion"] == self.version
        before = self.ts
        self.version = transition["endVersion"]
        assert self.ts >= before
        for modification in transition["modifications"]:
            if modification["type"] == "QueryUpdated":
                self.values[modification["queryId"]] = modification["value"]
            else:
                self.values.pop(modification["queryId"], None)


@asynccontextmanager
async def open_socket(
    server: RunningServer,
    path: str = "/api/1.48.0/sync",
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[SocketClient]:
    async with (
        ClientSession() as session,
        session.ws_connect(server.address + path, headers=headers, max_msg_size=0) as websocket,
    ):
        yield SocketClient(websocket)


def run_scenario(
    server: RunningServer, scenario: Callable[[RunningServer], Awaitable[None]]
) -> None:
    """Run a coroutine against ``server``, on a loop of its own, for as long as a test may take."""

    async def bounded() -> None:
        async with asyncio.timeout(2 * WAIT_S):
            await scenario(server)

    asyncio.run(bounded())
