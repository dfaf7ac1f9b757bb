import asyncio
from collections.abc import Iterator

import pytest

from livefile import limits
from livefile_server.web.frames import write_ping, write_text


class RecordingTransport(asyncio.WriteTransport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The first byte and the payload of each frame, read as RFC 6455 says."""
    position = 0
    while position < len(data):
        first, second = data[position], data[position + 1]
        position += 2
        assert second < 128, "frames of a server carry no mask"
        size = second
        if second == 126:
            size = int.from_bytes(data[position : position + 2], "big")
            position += 2
            assert size >= 126
        elif second == 127:
            size = int.from_bytes(data[position : position + 8], "big")
            position += 8
            assert size >= 65536
        yield first, data[position : position + size]
        position += size
    assert position == len(data)


@pytest.mark.parametrize("size_bytes", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_a_message_is_one_text_frame(size_bytes: int) -> None:
    transport = RecordingTransport()
    payload = b"x" * size_bytes

    write_text(transport, payload)

    assert list(frames(bytes(transport.written))) == [(0x81, payload)]


@pytest.mark.parametrize("rest", [-1, 0, 1])
def test_a_large_message_is_cut_into_frames(rest: int) -> None:
    transport = RecordingTransport()
    payload = b"x" * (2 * limits.FRAME_SIZE_BYTES_MAX) + b"y" * (2 + rest)

    write_text(transport, payload)

    written = list(frames(bytes(transport.written)))
    assert [first for first, _ in written] == [0x01, 0x00, 0x80]
    assert max(len(part) for _, part in written) <= limits.FRAME_SIZE_BYTES_MAX
    assert b"".join(part for _, part in written) == payload


def test_a_message_of_the_largest_frame_is_not_cut() -> None:
    transport = RecordingTransport()

    write_text(transport, b"x" * limits.FRAME_SIZE_BYTES_MAX)

    assert [first for first, _ in frames(bytes(transport.written))] == [0x81]


def test_a_ping_has_no_payload() -> None:
    transport = RecordingTransport()

    write_ping(transport)

    assert list(frames(bytes(transport.written))) == [(0x89, b"")]
