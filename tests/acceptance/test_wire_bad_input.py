"""Clients that break the protocol: one clear answer each, and nobody else notices."""

import asyncio
import json
import socket as sockets
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.acceptance.server_process import ServerProcess
from tests.acceptance.wire_socket import WireSocket, run_on_socket, wire_socket


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        '"text"',
        "{}",
        '{"type":"NoSuchType"}',
        '{"type":"Mutation"}',
        '{"type":"Mutation","requestId":-1,"udfPath":"values:echo_mutation","args":[{}]}',
        '{"type":"Mutation","requestId":"1","udfPath":"values:echo_mutation","args":[{}]}',
        '{"type":"ModifyQuerySet","baseVersion":5,"newVersion":6,"modifications":[]}',
        '{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"No"}]}',
        '{"type":"Connect","connectionCount":0}',
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_a_malformed_message_ends_the_session_with_a_reason(
    server: ServerProcess, text: str
) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.send_text(text)
        messages, closed = await socket.receive_until_closed()

        assert messages or closed.reason
        for message in messages:
            assert message["type"] == "FatalError"
            assert message["error"]

    run_on_socket(server.url, scenario)
    assert server.query("values:echo", {"value": "alive"}) == "alive"


def test_a_binary_frame_ends_the_session(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.send_bytes(b"\x00\x01")
        messages, _ = await socket.receive_until_closed()

        assert {message["type"] for message in messages} <= {"FatalError"}

    run_on_socket(server.url, scenario)


@pytest.mark.parametrize(
    "value",
    [
        {"$integer": "AAAA"},
        {"$integer": 7},
        {"$bytes": "!"},
        {"$float": "AAAAAAAA8D8="},
        {"$set": []},
        {"$map": []},
        {"$undefined": None},
        {"$unknown": 1, "b": 2},
        {"not ascii ä": 1},
        [0] * 8193,
        {str(number): 0 for number in range(1025)},
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_value_outside_the_domain_fails_the_one_request(
    server: ServerProcess, value: object
) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.mutate(0, "values:echo_mutation", {"value": value})
        (*_, response) = await socket.receive_until("MutationResponse")
        assert response["success"] is False
        assert response["result"]
        await socket.mutate(1, "values:echo_mutation", {"value": 1})
        (*_, response) = await socket.receive_until("MutationResponse")
        assert response["success"] is True

    run_on_socket(server.url, scenario)


def test_a_document_over_one_mebibyte_is_refused(server: ServerProcess) -> None:
    args = {"topic": "too large", "text": "x" * (1024 * 1024)}

    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.mutate(0, "journal:append", args)
        (*_, response) = await socket.receive_until("MutationResponse")

        assert response["success"] is False
        assert "Value is too large (" in response["result"]
        assert " > maximum size 1 MiB)" in response["result"]

    run_on_socket(server.url, scenario)
    assert server.query("journal:entries", {"topic": "too large"}) == []


@pytest.mark.parametrize("version", ["no-version", "1.2", "%2e%2e"])
def test_a_version_that_is_none_is_refused_before_the_upgrade(
    server: ServerProcess, version: str
) -> None:
    async def scenario() -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with wire_socket(server.url, version=version):
                pass
        assert 400 <= refused.value.status < 500

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\xfd",
        b"GET /api/sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
        b"POST /api/query HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
    ],
)
def test_a_connection_that_ends_halfway_disturbs_nobody(server: ServerProcess, data: bytes) -> None:
    address = urlsplit(server.url)
    with sockets.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(data)

    assert server.query("values:echo", {"value": "alive"}) == "alive"


@pytest.mark.parametrize(
    ("route", "body", "status"),
    [
        ("/api/query", b"not JSON", 400),
        ("/api/query", b"[]", 400),
        ("/api/query", b'{"args":{}}', 400),
        ("/api/query", b'{"path":"values:echo","args":[{},{}]}', 200),
        ("/api/query", b'{"path":"values:echo","args":{},"format":"no"}', 400),
        ("/api/query", b'{"path":"a b:c","args":{}}', 400),
        ("/api/query_at_ts", b'{"path":"values:echo","args":{"value":1},"ts":"x"}', 400),
        ("/api/query", b"[" * 100_000, 400),
        ("/api/no_such_route", b"{}", 404),
    ],
)
def test_a_bad_request_is_answered_with_a_code(
    server: ServerProcess, route: str, body: bytes, status: int
) -> None:
    answered, text = server.post_raw(route, body)

    assert answered == status, text
    answer: Mapping[str, str] = json.loads(text)
    if status == 200:
        assert answer["status"] == "error"
        assert answer["errorMessage"]
    else:
        assert answer["code"]
        assert answer["message"]
