"""Rules 10 to 15 on the wire: restarts, repeated requests, order, numbers, paths, journals."""

import re

import pytest

from tests.acceptance.server_process import ServerProcess
from tests.acceptance.wire_socket import (
    Message,
    WireSocket,
    decode_ts,
    encode_ts,
    run_on_socket,
)


def test_rule_10_timestamps_go_on_after_a_kill(own_server: ServerProcess) -> None:
    seen: list[int] = []

    async def scenario(socket: WireSocket) -> None:
        observed = {"maxObservedTimestamp": encode_ts(seen[-1])} if seen else {}
        await socket.connect(**observed)
        await socket.add_queries({0: ("counters:get", {"name": "rule 10"})})
        transition = await socket.receive_transition()
        seen.append(decode_ts(transition["endVersion"]["ts"]))
        await socket.mutate(0, "counters:add", {"name": "rule 10"})
        (*_, response) = await socket.receive_until("MutationResponse")
        seen.append(decode_ts(response["ts"]))

    for _ in range(3):
        run_on_socket(own_server.url, scenario)
        own_server.restart()

    assert seen == sorted(seen)
    assert len(set(seen[1::2])) == 3


def test_rule_11_a_repeated_mutation_gets_the_first_answer(own_server: ServerProcess) -> None:
    session_ids: list[str | None] = [None]
    responses: list[Message] = []

    async def scenario(socket: WireSocket) -> None:
        session_ids[0] = await socket.connect(session_ids[0])
        await socket.mutate(7, "counters:add", {"name": "rule 11"})
        (*_, response) = await socket.receive_until("MutationResponse")
        responses.append(response)
        transition = await socket.receive_transition()
        assert decode_ts(transition["endVersion"]["ts"]) >= decode_ts(response["ts"])

    run_on_socket(own_server.url, scenario)
    run_on_socket(own_server.url, scenario)
    own_server.restart()
    run_on_socket(own_server.url, scenario)

    assert responses == [responses[0]] * 3
    assert own_server.query("counters:get", {"name": "rule 11"}) == 1


def test_rule_11_a_failed_mutation_runs_again(server: ServerProcess) -> None:
    session_ids: list[str | None] = [None]
    args = {"topic": "rule 11"}

    async def fail(socket: WireSocket) -> None:
        session_ids[0] = await socket.connect(session_ids[0])
        await socket.mutate(0, "errors:raise_plain_mutation", args)
        (*_, response) = await socket.receive_until("MutationResponse")
        assert response["success"] is False

    async def succeed(socket: WireSocket) -> None:
        await socket.connect(session_ids[0])
        await socket.mutate(0, "journal:append", {**args, "text": "second try"})
        (*_, response) = await socket.receive_until("MutationResponse")
        assert response["success"] is True

    run_on_socket(server.url, fail)
    run_on_socket(server.url, succeed)
    assert server.query("journal:entries", args) == ["second try"]


def test_rule_12_mutations_of_one_socket_run_in_order(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        for number in range(100):
            args = {"topic": "rule 12", "text": str(number)}
            await socket.mutate(number, "journal:append", args)
        answered: list[int] = []
        while len(answered) < 100:
            message = await socket.receive()
            if message["type"] == "MutationResponse":
                answered.append(message["requestId"])

        assert answered == list(range(100))

    run_on_socket(server.url, scenario)
    expected = [str(number) for number in range(100)]
    assert server.query("journal:entries", {"topic": "rule 12"}) == expected


def test_rule_13_values_are_floats_and_server_times_are_whole(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect(clientTs=1_700_000_000_000)
        await socket.add_queries({0: ("values:echo", {"value": [1, {"a": 2}]})})
        await socket.receive_transition()
        await socket.mutate(0, "values:echo_mutation", {"value": 3})
        await socket.receive_until("MutationResponse")

        text = "".join(socket.texts).replace(" ", "")
        assert '"value":[1.0,{"a":2.0}]' in text
        assert '"result":3.0' in text
        for field in ("serverTs", "clientClockSkew"):
            assert re.findall(rf'"{field}":(?!null)', text) == re.findall(
                rf'"{field}":(?=-?\d+[,}}])', text
            )

    run_on_socket(server.url, scenario)


@pytest.mark.parametrize("path", ["values:default", "values.js:default", "values", "values.js"])
def test_rule_14_a_path_may_be_spelt_in_several_ways(server: ServerProcess, path: str) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries({0: (path, {"value": "here"})})
        (modification,) = (await socket.receive_transition())["modifications"]

        assert modification["value"] == "here"

    run_on_socket(server.url, scenario)


@pytest.mark.parametrize("journal", [None, "of another query"])
def test_rule_15_a_journal_is_always_sent_and_any_is_taken(
    server: ServerProcess, journal: str | None
) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        add = {"type": "Add", "queryId": 0, "udfPath": "values:echo", "args": [{"value": 1}]}
        await socket.modify([{**add, "journal": journal}], base_version=0)
        (modification,) = (await socket.receive_transition())["modifications"]

        assert modification["value"] == 1
        assert modification["journal"] is None

    run_on_socket(server.url, scenario)


def test_a_change_of_identity_runs_every_query_again(server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries(
            {0: ("identity:whoami", {}), 1: ("values:echo", {"value": "same"})}
        )
        assert results(await socket.receive_transition()) == {0: None, 1: "same"}
        await socket.send(
            "Authenticate",
            baseVersion=0,
            tokenType="Admin",
            value=server.admin_key,
            impersonating={"issuer": "https://issuer.example", "subject": "ada"},
        )
        assert results(await socket.receive_transition())[0] == "ada"
        await socket.mutate(0, "identity:whoami_mutation", {})
        (*_, response) = await socket.receive_until("MutationResponse")
        assert response["result"] == "ada"
        await socket.send("Authenticate", baseVersion=1, tokenType="None")
        (*_, transition) = await socket.receive_until("Transition")
        while transition["endVersion"]["identity"] < 2:
            transition = await socket.receive_transition()

        assert results(transition)[0] is None

    run_on_socket(server.url, scenario)


def results(transition: Message) -> dict[int, object]:
    return {item["queryId"]: item["value"] for item in transition["modifications"]}
