"""Rules 16b and 17 on the wire: what happens to messages of many megabytes."""

import asyncio
import json

import pytest

from tests.acceptance.frame_socket import frame_socket
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.wire_socket import Message, wire_socket

CHUNK_BYTES_MAX = 5_000_000
FRAME_BYTES_MAX = 16 * 1024 * 1024
CONNECT = {
    "type": "Connect",
    "sessionId": "2f2bb4f8-2b3c-4f30-9b7c-3d6c0e8f2a11",
    "connectionCount": 0,
    "lastCloseReason": "InitialConnect",
    "clientTs": 0,
}


def add_blob(query_id: int, size: int, letter: str = "x") -> dict[str, object]:
    args = [{"size": size, "letter": letter}]
    return {"type": "Add", "queryId": query_id, "udfPath": "results:blob", "args": args}


def test_rule_16b_a_message_over_16_mib_is_sent_in_several_frames(server: ServerProcess) -> None:
    async def scenario() -> None:
        async with frame_socket(server.url, "python-0.8.1") as socket:
            await socket.send(CONNECT)
            await socket.send(
                {
                    "type": "ModifyQuerySet",
                    "baseVersion": 0,
                    "newVersion": 1,
                    "modifications": [add_blob(0, 10_000_000), add_blob(1, 10_000_000, "y")],
                }
            )
            frames = await socket.receive_message()

        assert len(frames) > 1
        assert all(len(frame.payload) <= FRAME_BYTES_MAX for frame in frames)
        transition = json.loads(b"".join(frame.payload for frame in frames))
        values = {answer["queryId"]: answer["value"] for answer in transition["modifications"]}
        assert values == {0: "x" * 10_000_000, 1: "y" * 10_000_000}

    asyncio.run(scenario())


async def receive_blob(
    url: str,
    size: int,
    letter: str = "x",
    *,
    version: str | None = "1.48.0",
    client: str | None = None,
) -> list[Message]:
    """Return the messages that bring one result of ``size`` letters."""
    async with wire_socket(url, version=version, client=client) as socket:
        await socket.connect()
        await socket.modify([add_blob(0, size, letter)], base_version=0)
        messages = [await socket.receive()]
        while messages[-1]["type"] == "TransitionChunk" and not is_last_chunk(messages[-1]):
            messages.append(await socket.receive())
        return messages


def is_last_chunk(message: Message) -> bool:
    is_last: bool = message["partNumber"] + 1 == message["totalParts"]
    return is_last


@pytest.mark.parametrize("letter", ["x", "€"])
def test_rule_17_a_long_transition_comes_in_chunks(server: ServerProcess, letter: str) -> None:
    size = 12_000_000 // len(letter.encode())

    chunks = asyncio.run(receive_blob(server.url, size, letter))
    assert {chunk["type"] for chunk in chunks} == {"TransitionChunk"}
    assert [chunk["partNumber"] for chunk in chunks] == list(range(len(chunks)))
    assert {chunk["totalParts"] for chunk in chunks} == {len(chunks)}
    assert len({chunk["transitionId"] for chunk in chunks}) == 1
    assert all(len(chunk["chunk"].encode()) <= CHUNK_BYTES_MAX for chunk in chunks)
    transition = json.loads("".join(chunk["chunk"] for chunk in chunks))
    assert transition["modifications"][0]["value"] == letter * size


def test_rule_17_a_short_transition_comes_whole(server: ServerProcess) -> None:
    (message,) = asyncio.run(receive_blob(server.url, 4_000_000))

    assert message["type"] == "Transition"


@pytest.mark.parametrize(
    ("version", "client"), [(None, "python-0.8.1"), (None, "rust-0.10.4"), ("1.27.5", None)]
)
def test_rule_17_clients_that_know_no_chunks_get_none(
    server: ServerProcess, version: str | None, client: str | None
) -> None:
    (message,) = asyncio.run(receive_blob(server.url, 6_000_000, version=version, client=client))

    assert message["type"] == "Transition"
    assert message["modifications"][0]["value"] == "x" * 6_000_000
