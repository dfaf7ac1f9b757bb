import asyncio
from socket import SHUT_RDWR

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from livefile_server.sync.timestamp import decode_timestamp
from tests.server.running_server import RunningServer
from tests.server.socket_client import SocketClient, open_socket, run_scenario
from tests.server.sync_client import (
    action,
    add,
    connect,
    message,
    modify,
    mutation,
    remove,
    version,
)

ADD_ONE = {"name": "n", "amount": 1}
GET = add(0, "counters:get", [{"name": "n"}])


async def begin(client: SocketClient, *queries: dict[str, object], session_id: str = "s") -> None:
    """Connect, watch ``queries``, and wait for their first results."""
    await client.send(connect(sessionId=session_id))
    await client.send(modify(0, 1, *queries))
    await client.read_until("Transition")


def count(number: int) -> bytes:
    return mutation(number, "counters:add", [ADD_ONE])


# --- The handshake ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/api/1.48.0/sync", None),
        ("/api/sync", "python-0.8.1"),
        ("/api/sync", None),
        ("/api/latest/sync", "npm-1.48.0"),
    ],
)
def test_a_client_connects_by_path_or_header(
    server: RunningServer, path: str, header: str | None
) -> None:
    async def scenario(server: RunningServer) -> None:
        headers = {} if header is None else {"Convex-Client": header}
        async with open_socket(server, path, headers) as client:
            await begin(client, GET)
            assert client.values == {0: 0.0}

    run_scenario(server, scenario)


@pytest.mark.parametrize(
    ("path", "header"), [("/api/latest/sync", None), ("/api/1.48.0/sync", "python")]
)
def test_a_client_of_no_version_is_refused(
    server: RunningServer, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Convex-Client": header}
    answer = server.request("GET", path, headers=headers)

    assert (answer.status, answer.json["code"]) == (400, "InvalidClientVersion")


def test_a_request_that_is_no_handshake_is_refused(server: RunningServer) -> None:
    assert server.request("GET", "/api/1.48.0/sync").status == 400


def test_neither_compression_nor_a_subprotocol_is_taken_up(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with (
            ClientSession() as session,
            session.ws_connect(
                f"{server.address}/api/sync", compress=15, protocols=["other"]
            ) as websocket,
        ):
            assert not websocket.compress
            assert websocket.protocol is None

    run_scenario(server, scenario)


def test_any_origin_may_connect(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        headers = {"Origin": "https://page.example"}
        async with open_socket(server, headers=headers) as client:
            await begin(client)

    run_scenario(server, scenario)


# --- Queries and mutations --------------------------------------------------------------------


def test_a_mutation_is_answered_before_it_is_shown(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await begin(client, GET)
            await client.send(count(0))
            response = await client.read()
            transition = await client.read()

            assert response["type"] == "MutationResponse"
            assert (response["success"], response["result"]) == (True, 1.0)
            assert transition["type"] == "Transition"
            assert client.ts >= decode_timestamp(response["ts"])
            assert client.values == {0: 1.0}

    run_scenario(server, scenario)


def test_what_one_client_writes_others_see(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as writer, open_socket(server) as reader:
            await begin(writer, session_id="w")
            await begin(reader, GET, session_id="r")
            await writer.send(count(0))
            while reader.values != {0: 1.0}:
                await reader.read_until("Transition")

    run_scenario(server, scenario)


@pytest.mark.parametrize(
    "request_text",
    [
        mutation(5, "counters:missing"),
        mutation(5, "no path:at all"),
        mutation(5, "errors:raise_plain_mutation", [{"topic": "t"}]),
        mutation(5, "errors:raise_data_mutation", [{"topic": "t", "data": 1}]),
        mutation(5, "counters:add", [{"name": 7}]),
        mutation(5, "counters:reset", [{"name": "n"}]),
        action(5, "errors:raise_plain_action"),
        action(5, "counters:add"),
        action(5, "counters:add_slowly", [{"name": "n", "times": 1, "pause_ms": 0}]),
    ],
)
def test_every_result_is_followed_by_a_transition(
    server: RunningServer, request_text: bytes
) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await begin(client)
            await client.send(request_text)

            assert (await client.read())["requestId"] == 5
            assert (await client.read())["type"] == "Transition"

    run_scenario(server, scenario)


def test_mutations_of_a_socket_are_applied_in_order(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await begin(client, add(0, "journal:entries", [{"topic": "t"}]))
            for number in range(200):
                args = [{"topic": "t", "text": str(number)}]
                await client.send(mutation(number, "journal:append", args))
            answered = [
                (await client.read_until("MutationResponse"))["requestId"] for _ in range(200)
            ]
            while len(client.values[0]) < 200:
                await client.read_until("Transition")

            assert answered == list(range(200))
            assert client.values[0] == [str(number) for number in range(200)]

    run_scenario(server, scenario)


def test_a_mutation_that_is_sent_again_is_applied_once(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        responses = []
        for _ in range(2):
            async with open_socket(server) as client:
                await begin(client, GET)
                await client.send(count(7))
                responses.append(await client.read_until("MutationResponse"))
                await client.read_until("Transition")
                assert client.values == {0: 1.0}

        assert responses[0] == responses[1]

    run_scenario(server, scenario)


def test_sessions_do_not_share_their_numbers(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        for session_id, result in [("one", 1.0), ("two", 2.0)]:
            async with open_socket(server) as client:
                await begin(client, session_id=session_id)
                await client.send(count(7))

                assert (await client.read_until("MutationResponse"))["result"] == result

    run_scenario(server, scenario)


def test_no_client_sees_a_write_before_its_own_answer(server: RunningServer) -> None:
    async def write_and_check(server: RunningServer, number: int) -> None:
        async with open_socket(server) as client:
            await begin(client, GET, session_id=str(number))
            for request_number in range(20):
                await client.send(count(request_number))
                while (frame := await client.read())["type"] != "MutationResponse":
                    assert client.values[0] < 20 * 12
                ts = decode_timestamp(frame["ts"])
                assert client.ts < ts, "the write was shown before it was answered"
                assert client.values[0] < frame["result"]
                while client.ts < ts:
                    await client.read_until("Transition")
                assert client.values[0] >= frame["result"]

    async def scenario(server: RunningServer) -> None:
        await asyncio.gather(*(write_and_check(server, number) for number in range(12)))
        async with open_socket(server) as client:
            await begin(client, GET, session_id="last")
            assert client.values == {0: 240.0}

    run_scenario(server, scenario)


def test_queries_of_one_client_move_together(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as writer, open_socket(server) as reader:
            await begin(writer, session_id="w")
            queries = [add(number, "counters:get", [{"name": "n"}]) for number in range(3)]
            entries = add(3, "journal:entries", [{"topic": "t"}])
            await begin(reader, *queries, entries, session_id="r")
            for number in range(20):
                await writer.send(count(number))
            while reader.values[0] < 20:
                await reader.read_until("Transition")
                assert reader.values[0] == reader.values[1] == reader.values[2]

    run_scenario(server, scenario)


def test_a_removed_query_is_not_updated_any_more(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await begin(client, GET)
            await client.send(modify(1, 2, remove(0)))
            removal = await client.read_until("Transition")
            await client.send(count(0))
            await client.read_until("MutationResponse")
            push = await client.read_until("Transition")

            assert removal["modifications"] == [{"type": "QueryRemoved", "queryId": 0}]
            assert push["modifications"] == []

    run_scenario(server, scenario)


# --- Identity, and ends -----------------------------------------------------------------------


def test_an_admin_may_run_internal_functions(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await begin(client)
            await client.send(
                message("Authenticate", baseVersion=0, tokenType="Admin", value=server.admin_key)
            )
            transition = await client.read_until("Transition")
            await client.send(mutation(0, "counters:reset", [{"name": "n"}]))

            assert transition["endVersion"]["identity"] == 1
            assert (await client.read_until("MutationResponse"))["success"] is True

    run_scenario(server, scenario)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (message("Authenticate", baseVersion=0, tokenType="User", value="a.b.c"), "AuthError"),
        (message("Authenticate", baseVersion=0, tokenType="Admin", value="x|y"), "AuthError"),
        (b"{", "FatalError"),
        (modify(7, 8), "FatalError"),
        (connect(), "FatalError"),
    ],
)
def test_the_socket_closes_after_an_error_of_its_client(
    server: RunningServer, text: bytes, kind: str
) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await begin(client)
            await client.send(text)

            assert (await client.read())["type"] == kind
            assert await client.read_end() == 1000

    run_scenario(server, scenario)


def test_a_binary_message_ends_the_socket(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await client.websocket.send_bytes(b"{}")

            assert (await client.read())["type"] == "FatalError"
            assert await client.read_end() == 1000

    run_scenario(server, scenario)


def test_a_client_from_the_future_is_sent_away(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            future = version(0, 0, 2**63 - 1)["ts"]
            await client.send(connect(maxObservedTimestamp=future))

            assert await client.read_end() == 1011

    run_scenario(server, scenario)


def test_pings_of_the_client_are_answered(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with (
            ClientSession() as session,
            session.ws_connect(f"{server.address}/api/sync", autoping=False) as websocket,
        ):
            await websocket.ping(b"there?")
            pong = await websocket.receive(5)

            assert (pong.type.name, pong.data) == ("PONG", b"there?")

    run_scenario(server, scenario)


def test_a_server_that_stops_says_so(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client, open_socket(server) as other:
            await begin(client, GET)
            server.loop.call_soon_threadsafe(server.stopping.set)

            assert await client.read_end() == 1001
            assert await other.read_end() == 1001

    run_scenario(server, scenario)
    server.thread.join(20)

    assert not server.thread.is_alive()


def test_a_stopped_server_takes_no_connections(server: RunningServer) -> None:
    server.stop()

    async def scenario(server: RunningServer) -> None:
        with pytest.raises((OSError, WSServerHandshakeError)):
            async with open_socket(server):
                pass

    run_scenario(server, scenario)


def test_a_client_that_vanishes_harms_nobody(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as gone, open_socket(server) as client:
            await begin(gone, GET, session_id="gone")
            await begin(client, GET, session_id="there")
            for number in range(50):
                await gone.send(count(number))
            # No goodbye: this is how the Python client leaves.
            gone.websocket.get_extra_info("socket").shutdown(SHUT_RDWR)
            await client.send(count(0))
            response = await client.read_until("MutationResponse")
            while client.ts < decode_timestamp(response["ts"]):
                await client.read_until("Transition")

            assert client.values[0] >= response["result"]

    run_scenario(server, scenario)
