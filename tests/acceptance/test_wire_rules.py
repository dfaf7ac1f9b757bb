"""The rules of the protocol as they show on the wire, message by message.

The numbers are those of the rule list in the protocol's fact sheet. Rules that a real client
shows are tested with the real client as well.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.acceptance.server_process import ServerProcess
from tests.acceptance.wire_socket import (
    ZERO_TS,
    Message,
    SocketClosedError,
    WireSocket,
    decode_ts,
    run_on_socket,
)

ZERO_VERSION: Message = {"querySet": 0, "identity": 0, "ts": ZERO_TS}
LOG_LINE = re.compile(r"\[(DEBUG|INFO|LOG|WARN|ERROR)\] ", re.ASCII)


def assert_chained(messages: list[Message]) -> None:
    """Check that each Transition begins where the one before it ended, and never goes back."""
    version = ZERO_VERSION
    for message in messages:
        if message["type"] == "Transition":
            assert message["startVersion"] == version
            assert decode_ts(version["ts"]) <= decode_ts(message["endVersion"]["ts"])
            version = message["endVersion"]


def received(socket: WireSocket) -> list[Message]:
    return [json.loads(text) for text in socket.texts]


def test_rule_1_each_transition_begins_where_the_last_one_ended(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries({0: ("counters:get", {"name": "rule 1"})})
        await socket.receive_until("Transition")
        for request_id in range(5):
            await socket.mutate(request_id, "counters:add", {"name": "rule 1"})
        await socket.send("Authenticate", baseVersion=0, tokenType="None")
        await socket.modify([{"type": "Remove", "queryId": 0}], base_version=1)
        while not ended_at(received(socket), query_set=2, identity=1):
            await socket.receive()

        assert_chained(received(socket))

    run_on_socket(server.url, scenario)


def ended_at(messages: list[Message], query_set: int, identity: int) -> bool:
    last = [message for message in messages if message["type"] == "Transition"][-1]["endVersion"]
    return (last["querySet"], last["identity"]) == (query_set, identity)


def test_rule_2_an_empty_change_of_the_query_set_is_answered(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.modify([], base_version=0)
        transition = await socket.receive_transition()

        assert transition["startVersion"] == ZERO_VERSION
        assert transition["endVersion"]["querySet"] == 1
        assert transition["modifications"] == []

    run_on_socket(server.url, scenario)


def test_rule_2_an_authentication_is_answered(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        for base_version in range(2):
            await socket.send("Authenticate", baseVersion=base_version, tokenType="None")
            transition = await socket.receive_transition()

            assert transition["endVersion"]["identity"] == base_version + 1

    run_on_socket(server.url, scenario)


@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("values:echo_mutation", {"value": 1}),
        ("counters:add", {"name": "rule 2"}),
        ("errors:raise_plain_mutation", {"topic": "rule 2"}),
        ("errors:raise_data_mutation", {"topic": "rule 2", "data": 1}),
        ("no:such", {}),
    ],
)
def test_rules_2_and_3_a_transition_follows_every_mutation_response(
    server: ServerProcess, path: str, args: Mapping[str, object]
) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.mutate(0, path, args)
        response = await socket.receive()
        assert response["type"] == "MutationResponse"
        assert response["requestId"] == 0
        transition = await socket.receive_transition()

        ts = decode_ts(response["ts"] or ZERO_TS)
        assert decode_ts(transition["endVersion"]["ts"]) >= ts

    run_on_socket(server.url, scenario)


@pytest.mark.parametrize(
    ("path", "args"),
    [("values:echo_action", {"value": 1}), ("errors:raise_data_action", {"data": None})],
)
def test_rule_2_a_transition_follows_every_action_response(
    server: ServerProcess, path: str, args: Mapping[str, object]
) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.act(0, path, args)
        response = await socket.receive()
        assert response["type"] == "ActionResponse"

        await socket.receive_transition()

    run_on_socket(server.url, scenario)


def test_rule_3_the_response_comes_before_the_transition_that_shows_it(
    server: ServerProcess,
) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries({0: ("counters:get", {"name": "rule 3"})})
        await socket.receive_until("Transition")
        answered = 0
        for request_id in range(50):
            await socket.mutate(request_id, "counters:add", {"name": "rule 3"})
        while answered < 50 or not shows(received(socket), 50):
            message = await socket.receive()
            if message["type"] == "MutationResponse":
                answered += 1
            for modification in message.get("modifications", []):
                assert modification["value"] <= answered

    run_on_socket(server.url, scenario)


def shows(messages: list[Message], value: object) -> bool:
    return any(
        modification.get("value") == value
        for message in messages
        for modification in message.get("modifications", [])
    )


@pytest.mark.parametrize(
    ("path", "args", "expected"),
    [
        ("errors:raise_plain", {}, {}),
        ("no:such", {}, {}),
        ("counters:get", {}, {}),
        ("errors:raise_data", {"data": None}, {"errorData": None}),
        ("errors:raise_data", {"data": {"a": 1}}, {"errorData": {"a": 1.0}}),
    ],
)
def test_rule_4_error_data_is_there_only_for_a_convex_error(
    server: ServerProcess, path: str, args: Mapping[str, object], expected: Mapping[str, object]
) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries({0: (path, args)})
        (modification,) = (await socket.receive_transition())["modifications"]

        assert modification["type"] == "QueryFailed"
        assert {key: modification[key] for key in modification if key == "errorData"} == expected

    run_on_socket(server.url, scenario)


def test_rule_5_log_lines_are_always_a_list_of_levelled_lines(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries(
            {
                0: ("values:echo", {"value": 1}),
                1: ("logs:log_levels", {"topic": "rule 5"}),
                2: ("errors:raise_plain", {}),
            }
        )
        transition = await socket.receive_transition()
        await socket.mutate(0, "logs:print_line_mutation", {"line": "rule 5"})
        await socket.mutate(1, "errors:raise_plain_mutation", {"topic": "rule 5"})
        await socket.act(2, "values:echo_action", {"value": 1})
        responses: list[Message] = []
        while len(responses) < 3:
            message = await socket.receive()
            if message["type"].endswith("Response"):
                responses.append(message)

        for answer in [*transition["modifications"], *responses]:
            assert all(LOG_LINE.match(line) for line in answer["logLines"]), answer
        (printed,) = [answer for answer in responses if answer["requestId"] == 0]
        assert printed["logLines"] == ["[LOG] rule 5"]

    run_on_socket(server.url, scenario)


@pytest.mark.slow
def test_rule_6_both_keep_alives_reach_an_idle_client(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        message = await socket.receive_any()

        assert message == {"type": "Ping"}
        assert socket.ping_count >= 1

    run_on_socket(server.url, scenario)


def test_rule_7_the_socket_is_closed_after_an_auth_error(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.send("Authenticate", baseVersion=0, tokenType="User", value="not.a.token")
        (*_, error) = await socket.receive_until("AuthError")
        assert error["authUpdateAttempted"] is True
        assert error["baseVersion"] == 0
        with pytest.raises(SocketClosedError):
            await socket.receive()

    run_on_socket(server.url, scenario)


def test_rule_7_a_wrong_admin_key_is_an_auth_error(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.send("Authenticate", baseVersion=0, tokenType="Admin", value="wrong|key")
        await socket.receive_until("AuthError")
        with pytest.raises(SocketClosedError):
            await socket.receive()

    run_on_socket(server.url, scenario)


def test_rule_8_a_failing_function_never_ends_the_session(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries({0: ("errors:raise_plain", {}), 1: ("no:such", {})})
        await socket.mutate(0, "errors:raise_plain_mutation", {"topic": "rule 8"})
        await socket.mutate(1, "values:echo", {"value": "a query"})
        await socket.act(2, "errors:raise_plain_action", {})
        await socket.mutate(3, "values:echo_mutation", {"value": "alive"})
        answers: dict[int, Any] = {}
        while len(answers) < 4:
            message = await socket.receive()
            assert message["type"] in ("Transition", "MutationResponse", "ActionResponse")
            if "requestId" in message:
                answers[message["requestId"]] = message

        assert [answers[number]["success"] for number in range(4)] == [False, False, False, True]

    run_on_socket(server.url, scenario)


def test_rule_9_each_request_is_answered_once(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        for request_id in range(20):
            await socket.mutate(request_id, "counters:add", {"name": "rule 9"})
        await socket.act(20, "counters:add_slowly", {"name": "rule 9", "times": 3, "pause_ms": 5})
        await socket.receive_until("ActionResponse")
        await socket.mutate(21, "counters:add", {"name": "rule 9"})
        await socket.receive_until("MutationResponse")
        await socket.receive_transition()

        answered = [message["requestId"] for message in received(socket) if "requestId" in message]
        assert sorted(answered) == list(range(22))

    run_on_socket(server.url, scenario)
