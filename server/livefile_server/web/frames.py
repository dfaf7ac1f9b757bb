"""Text messages of the server as frames of the websocket (RFC 6455), written to a transport.

The server's frames carry no mask, so the payload is sent as it is and may be shared by many
sockets. Writing to the transport itself, instead of through one coroutine per message, is what
lets one commit reach a thousand clients cheaply; control frames, which aiohttp writes to the
same transport, fall between whole messages or between fragments, both of which are legal.

Not here: reading, pongs and the closing handshake (aiohttp's ``WebSocketResponse``).
"""

import asyncio
from functools import lru_cache
from struct import Struct

from livefile import limits

_FINAL = 0x80
_TEXT = 0x01
_CONTINUATION = 0x00
_PING_WITHOUT_PAYLOAD = b"\x89\x00"
_MEDIUM = Struct(">BBH")
_LARGE = Struct(">BBQ")
_WHOLE_SIZE_BYTES_MAX = 65535  # The largest size of the medium form.


def write_text(transport: asyncio.WriteTransport, payload: bytes) -> None:
    """Write one text message. Large ones are fragmented: clients bound the size of a frame."""
    if is_whole(payload):
        transport.write(_whole_frame(payload))
    else:
        _write_large(transport, payload)


def append_text(frames: bytearray, payload: bytes) -> None:
    """Append one text message, which must not be large, to ``frames``, to be written with them."""
    assert is_whole(payload)
    frames += _header(_FINAL | _TEXT, len(payload))
    frames += payload


def is_whole(payload: bytes) -> bool:
    """Tell whether a text message goes out in one frame, and is cheap to copy."""
    return len(payload) <= _WHOLE_SIZE_BYTES_MAX


def write_ping(transport: asyncio.WriteTransport) -> None:
    """Write a ping without payload."""
    transport.write(_PING_WITHOUT_PAYLOAD)


# The last one is kept: a transition goes to many sockets in a row, and large ones take longer to
# copy than to send.
@lru_cache(maxsize=1)
def _whole_frame(payload: bytes) -> bytes:
    return _header(_FINAL | _TEXT, len(payload)) + payload


def _write_large(transport: asyncio.WriteTransport, payload: bytes) -> None:
    view = memoryview(payload)
    for start in range(0, len(payload), limits.FRAME_SIZE_BYTES_MAX):
        fragment = view[start : start + limits.FRAME_SIZE_BYTES_MAX]
        opcode = _TEXT if start == 0 else _CONTINUATION
        final = _FINAL if start + len(fragment) == len(payload) else 0
        transport.write(_header(final | opcode, len(fragment)))
        # As it is: the transport keeps a reference, not a copy, of what it cannot send now.
        transport.write(fragment)


# The size must be written in the shortest of its three forms.
def _header(first_byte: int, size_bytes: int) -> bytes:
    if size_bytes < 126:
        return bytes((first_byte, size_bytes))
    if size_bytes < 65536:
        return _MEDIUM.pack(first_byte, 126, size_bytes)
    return _LARGE.pack(first_byte, 127, size_bytes)
