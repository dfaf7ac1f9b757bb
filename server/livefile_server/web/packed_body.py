"""Large bodies of JSON that come compressed, such as pushed code.

Elsewhere no client compresses, and the server refuses to unpack: a few bytes could become
gigabytes. Here both sizes are bounded.

Not here: bodies of ordinary requests (``function_request.py``).
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping

import orjson
from aiohttp import hdrs, web

from livefile import errors, limits

try:
    import brotli  # type: ignore[import-untyped]  # It has no stubs.
except ImportError:  # It comes with the extra that runs TypeScript.
    brotli = None

_PIECE_WAIT_S_MAX = limits.FILE_PIECE_WAIT_MS_MAX / 1000
_PIECE_SIZE_BYTES = 1024 * 1024
_ENDS_EARLY = "The packed body ends too early"


async def read_packed_body(request: web.BaseRequest) -> Mapping[str, object]:
    """Return the JSON object in the body, which may have ``PUSH_SIZE_BYTES_MAX``.

    Raises:
        BadRequestError: no JSON, no object, packed in a way that is not known here, or it stops
            coming.
        HTTPRequestEntityTooLarge: it is too large, as it comes or unpacked.
    """
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower()
    unpack = _unpacking(encoding)
    packed = await _read(request)
    # On a thread: unpacking and parsing a large body takes a while.
    return await asyncio.to_thread(_parse, unpack, packed)


def _unpacking(encoding: str) -> Callable[[bytes], bytes]:
    match encoding:
        case "br":
            if brotli is None:
                raise errors.BadRequestError(
                    "TypeScriptNotInstalled",
                    "This server cannot take pushed TypeScript: install its extra with "
                    "`pip install 'livefile[typescript]'` and start the server again",
                )
            return _unpack_brotli
        case "gzip" | "deflate":
            return _unpack_zlib
        case "identity":
            return lambda packed: packed
    raise errors.BadRequestError(
        "BadHeader", f"Content-Encoding must be br, gzip, deflate or identity, not {encoding:.100}"
    )


async def _read(request: web.BaseRequest) -> bytes:
    body = bytearray()
    try:
        while True:
            async with asyncio.timeout(_PIECE_WAIT_S_MAX):
                piece = await request.content.readany()
            if not piece:
                return bytes(body)
            _add(body, piece)
    except TimeoutError as error:
        raise errors.BadRequestError("BadBody", "The body of the request stopped coming") from error


def _parse(unpack: Callable[[bytes], bytes], packed: bytes) -> Mapping[str, object]:
    try:
        body = orjson.loads(unpack(packed))
    except orjson.JSONDecodeError as error:
        raise errors.BadRequestError("BadJsonBody", f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise errors.BadRequestError("BadJsonBody", "The body must be a JSON object")
    return body


def _unpack_brotli(packed: bytes) -> bytes:
    unpacked = bytearray()
    decompressor = brotli.Decompressor()
    try:
        while not decompressor.is_finished():
            piece = decompressor.process(packed, output_buffer_limit=_PIECE_SIZE_BYTES)
            packed = b""
            _add(unpacked, piece)
            if not piece and not decompressor.is_finished():
                raise errors.BadRequestError("BadBody", _ENDS_EARLY)
    except brotli.error as error:
        raise errors.BadRequestError("BadBody", f"The body is not packed as br: {error}") from error
    return bytes(unpacked)


def _unpack_zlib(packed: bytes) -> bytes:
    unpacked = bytearray()
    # It tells by itself which of the two forms it is given.
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        while not decompressor.eof:
            piece = decompressor.decompress(packed, _PIECE_SIZE_BYTES)
            packed = decompressor.unconsumed_tail
            _add(unpacked, piece)
            if not piece and not packed and not decompressor.eof:
                raise errors.BadRequestError("BadBody", _ENDS_EARLY)
    except zlib.error as error:
        raise errors.BadRequestError("BadBody", f"The body is not packed so: {error}") from error
    return bytes(unpacked)


def _add(body: bytearray, piece: bytes) -> None:
    body += piece
    if len(body) > limits.PUSH_SIZE_BYTES_MAX:
        raise web.HTTPRequestEntityTooLarge(limits.PUSH_SIZE_BYTES_MAX, len(body))
