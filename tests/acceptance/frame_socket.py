"""A websocket client that shows frames, not messages: how a message was cut on its way."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

RECEIVE_SECONDS_MAX = 60.0
TEXT, CLOSE, PING = 1, 8, 9


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. ``opcode`` is 0 for a continuation."""

    opcode: int
    is_final: bool
    payload: bytes


class FrameSocket:
    """One open socket that offers no extension, as Python's client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, message: object) -> None:
        """Send one message as JSON in one frame."""
        payload = json.dumps(message).encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        assert len(payload) < 65536
        header = bytes([0x80 | TEXT, 0x80 | 126]) + len(payload).to_bytes(2, "big")
        self._writer.write(header + mask + masked)
        await self._writer.drain()

    async def receive_message(self) -> list[Frame]:
        """Return the frames of the next text message."""
        frames: list[Frame] = []
        async with asyncio.timeout(RECEIVE_SECONDS_MAX):
            while not frames or not frames[-1].is_final:
                frame = await self._receive_frame()
                assert frame.opcode != CLOSE, frame
                if frame.opcode != PING:
                    frames.append(frame)
        assert [frame.opcode for frame in frames] == [TEXT] + [0] * (len(frames) - 1)
        return frames

    async def _receive_frame(self) -> Frame:
        first, second = await self._reader.readexactly(2)
        length = second & 0x7F
        if length >= 126:
            length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8))
        payload = await self._reader.readexactly(length)
        return Frame(opcode=first & 0x0F, is_final=bool(first & 0x80), payload=payload)

    async def handshake(self, host: str, path: str, client: str) -> Self:
        """Upgrade the connection."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            f"Convex-Client: {client}",
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        return self


@asynccontextmanager
async def frame_socket(url: str, client: str) -> AsyncIterator[FrameSocket]:
    """Open a socket as the client named ``client`` does."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield await FrameSocket(reader, writer).handshake(address.netloc, "/api/sync", client)
    finally:
        writer.close()
        await writer.wait_closed()
