"""Files of pushed actions: their bytes come and go a piece at a time, as base64.

A blob that is stored is a call that ends with the file's id, and calls beside it that hand over one
piece each. One that is read is asked for piece by piece.

Not here: metadata and addresses of files (``action_calls.py``).
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import orjson

from livefile.functions.context import ActionCtx
from livefile.system import stored_files
from livefile.system.stored_files import FileContent
from livefile.vocabulary.errors import InvalidValueError

# Any: JSON.
Args = Mapping[str, Any]

_DIGEST_BYTES = 32


class ActionFiles:
    """The files that one action has open. On the actions' event loop."""

    def __init__(self, ctx: ActionCtx) -> None:
        """Take what the action is given."""
        self._system = ctx._system  # Apps see the context's methods only.
        self._files = ctx._system.files
        self._uploads: dict[int, asyncio.Queue[bytes | None]] = {}
        self._opened: list[FileContent] = []
        self.answers: Mapping[str, Callable[[Args], Awaitable[str]]] = {
            "livefile/store": self._store,
            "livefile/storePiece": self._add_piece,
            "livefile/openFile": self._open,
            "livefile/readFile": self._read,
        }

    async def _store(self, args: Args) -> str:
        stream = int(args["stream"])
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._uploads[stream] = pieces
        try:
            digest = digest_of(args["sha256"])
            stored = await self._files.store(_until_none(pieces), args["contentType"], digest)
            return orjson.dumps(stored).decode()
        finally:
            del self._uploads[stream]
            if not pieces.empty():  # Whoever waits to hand over a piece need not.
                pieces.get_nowait()

    async def _add_piece(self, args: Args) -> str:
        """Hand over a piece; tell whether more is wanted."""
        pieces = self._uploads.get(int(args["stream"]))
        if pieces is None:
            return "false"
        await pieces.put(None if args["piece"] is None else base64.b64decode(args["piece"]))
        return "true"

    async def _open(self, args: Args) -> str:
        id = args["storageId"]
        content = await self._system.read(lambda it: stored_files.find_content(it, id))
        if content is None:
            return "null"
        self._opened.append(content)
        opened = {
            "file": len(self._opened) - 1,
            "size": content.size_bytes,
            "contentType": content.content_type,
        }
        return orjson.dumps(opened).decode()

    async def _read(self, args: Args) -> str:
        content, start = self._opened[int(args["file"])], int(args["start"])
        piece = await asyncio.to_thread(self._files.read, content, start, content.size_bytes)
        return orjson.dumps(base64.b64encode(piece).decode()).decode()


async def _until_none(pieces: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (piece := await pieces.get()) is not None:
        yield piece


def digest_of(text: str | None) -> bytes | None:
    """Return a SHA-256 that is written in base64 or in hexadecimal digits."""
    if text is None:
        return None
    try:
        found = bytes.fromhex(text) if len(text) == 2 * _DIGEST_BYTES else base64.b64decode(text)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _DIGEST_BYTES:
        raise InvalidValueError(f"{text!r:.100} is no SHA-256 in base64 or hexadecimal digits")
    return found
