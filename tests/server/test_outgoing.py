import asyncio
from collections.abc import Awaitable, Callable

import pytest

from livefile import limits
from livefile_server.web.outgoing import Outgoing
from tests.server.test_frames import frames


class RecordingTransport(asyncio.Transport):
    """A transport that keeps each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_closed


class Recorded:
    """Outgoing messages, what was written of them, and what was in the writes when told."""

    def __init__(self) -> None:
        self.transport = RecordingTransport()
        self.told: list[int] = []
        self.outgoing = Outgoing(
            self.transport,
            asyncio.get_running_loop(),
            lambda: self.told.append(len(self.transport.writes)),
        )

    def messages(self) -> list[list[bytes]]:
        """The text messages of each write."""
        return [[payload for _, payload in frames(write)] for write in self.transport.writes]


def run(scenario: Callable[[Recorded], Awaitable[None]]) -> None:
    async def whole() -> None:
        await scenario(Recorded())

    asyncio.run(whole())


def test_each_message_is_written_at_once() -> None:
    async def scenario(recorded: Recorded) -> None:
        recorded.outgoing.send(b"one")
        recorded.outgoing.send(b"two")

        assert recorded.messages() == [[b"one"], [b"two"]]
        assert recorded.told == [1, 2]

    run(scenario)


@pytest.mark.parametrize("size_bytes", [0, 125, 126, 65535])
def test_held_messages_are_written_together_in_order(size_bytes: int) -> None:
    async def scenario(recorded: Recorded) -> None:
        recorded.outgoing.hold()
        recorded.outgoing.send(b"answer")
        recorded.outgoing.send(b"x" * size_bytes)
        assert recorded.messages() == []
        recorded.outgoing.flush()
        recorded.outgoing.send(b"later")

        assert recorded.messages() == [[b"answer", b"x" * size_bytes], [b"later"]]
        assert recorded.told == [1, 2]

    run(scenario)


def test_what_is_held_is_written_at_the_next_turn_of_the_loop() -> None:
    async def scenario(recorded: Recorded) -> None:
        recorded.outgoing.hold()
        recorded.outgoing.send(b"answer")
        await asyncio.sleep(0)
        recorded.outgoing.send(b"later")
        await asyncio.sleep(0)

        assert recorded.messages() == [[b"answer"], [b"later"]]

    run(scenario)


def test_a_large_message_goes_out_alone_after_those_before_it() -> None:
    async def scenario(recorded: Recorded) -> None:
        large = b"x" * 65536
        recorded.outgoing.hold()
        recorded.outgoing.send(b"answer")
        recorded.outgoing.send(large)

        parts = recorded.transport.writes
        assert list(frames(parts[0])) == [(0x81, b"answer")]
        assert list(frames(b"".join(parts[1:]))) == [(0x81, large)]
        assert recorded.told == [1, len(recorded.transport.writes)]

    run(scenario)


def test_no_more_is_held_than_a_slow_client_may_leave_unread() -> None:
    async def scenario(recorded: Recorded) -> None:
        payload = b"x" * 60_000
        recorded.outgoing.hold()
        for _ in range(100):
            recorded.outgoing.hold()
            recorded.outgoing.send(payload)
        recorded.outgoing.flush()

        sizes = [sum(map(len, messages)) for messages in recorded.messages()]
        assert sum(sizes) == 100 * len(payload)
        assert max(sizes) <= limits.SOCKET_BUFFER_SIZE_BYTES_MAX + len(payload)

    run(scenario)


def test_a_connection_that_is_gone_is_not_written_to() -> None:
    async def scenario(recorded: Recorded) -> None:
        recorded.outgoing.hold()
        recorded.outgoing.send(b"answer")
        recorded.transport.is_closed = True
        recorded.outgoing.flush()
        recorded.outgoing.send(b"later")

        assert recorded.messages() == []
        assert recorded.told == []

    run(scenario)
