"""A websocket client that shows every message as it comes, for rules no real client shows.

It speaks the protocol's first words and nothing else; what to send, tests decide.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp

ZERO_TS = "AAAAAAAAAAA="
RECEIVE_SECONDS_MAX = 30.0

Message = dict[str, Any]  # Any: decoded JSON, whose shape depends on the message's type.


class SocketClosedError(Exception):
    """The server closed the socket. ``code`` is None if the close frame had none."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


class WireSocket:
    """One open socket. ``texts`` keeps every text message received, in order."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.texts: list[str] = []
        self.ping_count = 0
        self._socket = socket

    async def send(self, message_type: str, **fields: object) -> None:
        """Send one message of the protocol."""
        await self.send_text(json.dumps({"type": message_type, **fields}))

    async def send_text(self, text: str) -> None:
        """Send any text."""
        await self._socket.send_str(text)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        await self._socket.send_bytes(data)

    async def connect(self, session_id: str | None = None, **fields: object) -> str:
        """Send the first message and return the session's id."""
        session_id = session_id or str(uuid4())
        message = {"connectionCount": 0, "lastCloseReason": "InitialConnect", "clientTs": 0}
        await self.send("Connect", sessionId=session_id, **{**message, **fields})
        return session_id

    async def add_queries(
        self, queries: Mapping[int, tuple[str, Mapping[str, object]]], base_version: int = 0
    ) -> None:
        """Add queries, given by id as (path, args), to the query set."""
        modifications = [
            {"type": "Add", "queryId": query_id, "udfPath": path, "args": [args]}
            for query_id, (path, args) in queries.items()
        ]
        await self.modify(modifications, base_version)

    async def modify(self, modifications: Sequence[object], base_version: int) -> None:
        """Change the query set by one version."""
        await self.send(
            "ModifyQuerySet",
            baseVersion=base_version,
            newVersion=base_version + 1,
            modifications=modifications,
        )

    async def mutate(self, request_id: int, path: str, args: Mapping[str, object]) -> None:
        """Send a mutation."""
        await self.send("Mutation", requestId=request_id, udfPath=path, args=[args])

    async def act(self, request_id: int, path: str, args: Mapping[str, object]) -> None:
        """Send an action."""
        await self.send("Action", requestId=request_id, udfPath=path, args=[args])

    async def receive(self) -> Message:
        """Return the next message that is no keep-alive.

        Raises:
            SocketClosedError: there is none, because the server closed the socket.
        """
        while True:
            message = await self.receive_any()
            if message["type"] != "Ping":
                return message

    async def receive_any(self) -> Message:
        """Return the next message, keep-alives included. Frames of pings are only counted."""
        async with asyncio.timeout(RECEIVE_SECONDS_MAX):  # Pings alone are no answer.
            while True:
                frame = await self._socket.receive()
                match frame.type:
                    case aiohttp.WSMsgType.TEXT:
                        self.texts.append(frame.data)
                        message: Message = json.loads(frame.data)
                        return message
                    case aiohttp.WSMsgType.PING:
                        self.ping_count += 1
                        await self._socket.pong(frame.data)
                    case aiohttp.WSMsgType.CLOSE:
                        await self._socket.close()
                        raise SocketClosedError(frame.data or None, frame.extra or "")
                    case aiohttp.WSMsgType.CLOSING | aiohttp.WSMsgType.CLOSED:
                        raise SocketClosedError(self._socket.close_code, "")
                    case _:
                        raise AssertionError(f"unexpected frame {frame}")

    async def receive_until(self, message_type: str) -> list[Message]:
        """Return all messages up to and with the first one of a type."""
        messages = [await self.receive()]
        while messages[-1]["type"] != message_type:
            messages.append(await self.receive())
        return messages

    async def receive_until_closed(self) -> tuple[list[Message], SocketClosedError]:
        """Return all messages that come before the server closes the socket, and the closing."""
        messages: list[Message] = []
        try:
            while True:
                messages.append(await self.receive())
        except SocketClosedError as closed:
            return messages, closed

    async def receive_transition(self) -> Message:
        """Return the next message, which must be a Transition."""
        message = await self.receive()
        assert message["type"] == "Transition", message
        return message


@asynccontextmanager
async def wire_socket(
    url: str, *, version: str | None = "1.48.0", client: str | None = None
) -> AsyncIterator[WireSocket]:
    """Open a socket as the npm client does (``version``) or as Python's does (``client``)."""
    path = "/api/sync" if version is None else f"/api/{version}/sync"
    headers = {} if client is None else {"Convex-Client": client}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(
            url + path, headers=headers, max_msg_size=0, autoping=False, autoclose=False
        ) as socket,
    ):
        yield WireSocket(socket)


def decode_ts(text: str) -> int:
    """Return the number in a timestamp of the protocol."""
    data = base64.b64decode(text, validate=True)
    assert len(data) == 8, text
    return int.from_bytes(data, "little")


def encode_ts(ts: int) -> str:
    """Return a timestamp as the protocol writes it."""
    return base64.b64encode(ts.to_bytes(8, "little")).decode()


def run_on_socket(url: str, scenario: Callable[[WireSocket], Awaitable[None]]) -> None:
    """Run a scenario on an npm client's socket of its own, and close it."""

    async def connected() -> None:
        async with wire_socket(url) as socket:
            await scenario(socket)

    asyncio.run(connected())
