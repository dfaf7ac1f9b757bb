import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from livefile import Failure, Success
from livefile_server.sync.redaction import Redaction
from livefile_server.sync.shared_transitions import SharedTransitions
from livefile_server.sync.state import Version
from tests.server.observed_app import admin, observed_server
from tests.server.running_server import RunningServer
from tests.server.socket_client import open_socket, run_scenario
from tests.server.sync_client import connect, message, modify

FIRST_LINE = "[Request ID: 0123456789abcdef] Server Error"
FAILURE = Failure(
    message=f"{FIRST_LINE}\nUncaught ValueError: secret\n    at f (a.py:1)",
    log_lines=("[LOG] secret",),
    data_json=b'"meant for the client"',
    ts=5,
    journal="there",
)

CALLS = [
    ("query", "shop:orders", {}),
    ("query", "shop:fail_query", {}),
    ("query", "shop:refuse", {}),
    ("query", "shop:key_length", {}),
    ("query", "shop:orders", {"CANARY-wrong-field": 1}),
    ("query", "shop:orders", "CANARY-no-object"),
    ("query", "shop:nothing", {}),
    ("mutation", "shop:order", {"item": "tea"}),
    ("mutation", "shop:keep_key_length", {}),
    ("mutation", "shop:fail_mutation", {}),
    ("mutation", "shop:sign_up", {"name": "CANARY-in-args", "age": "CANARY-no-number"}),
    ("action", "shop:read_key_length", {}),
    ("action", "shop:fail_action", {}),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with observed_server(tmp_path, redacts_errors=True) as running:
        change = {"changes": [{"name": "API_KEY", "value": "CANARY-of-environment"}]}
        assert (
            running.post("/api/update_environment_variables", change, admin(running)).status == 200
        )
        yield running


# --- Outcomes --------------------------------------------------------------------------------


def test_a_failure_keeps_its_first_line_its_data_and_its_journal() -> None:
    shown = Redaction(is_on=True).outcome(FAILURE)

    assert shown == Failure(message=FIRST_LINE, data_json=FAILURE.data_json)
    assert (shown.ts, shown.journal) == (5, "there")


def test_a_success_loses_only_its_log_lines() -> None:
    loud, quiet = Success(json=b"1", log_lines=("[LOG] secret",), ts=7), Success(json=b"2")
    redaction = Redaction(is_on=True)

    assert redaction.outcome(loud) == Success(json=b"1")
    assert redaction.outcome(loud).ts == 7
    assert redaction.outcome(quiet) is quiet


def test_outcomes_of_a_transition_are_shown_each_and_removals_stay() -> None:
    shown = Redaction(is_on=True).outcomes({1: FAILURE, 2: None})

    assert shown == {1: Failure(message=FIRST_LINE, data_json=FAILURE.data_json), 2: None}


def test_without_redaction_everything_is_the_same_object() -> None:
    outcomes = {1: FAILURE, 2: None}

    assert Redaction().outcome(FAILURE) is FAILURE
    assert Redaction().outcomes(outcomes) is outcomes


def test_transitions_stay_shared() -> None:
    transitions = SharedTransitions(Redaction(is_on=True))
    start, end = Version(query_set=1, identity=0, ts=4), Version(query_set=1, identity=0, ts=5)
    first = transitions.encode(start, end, {1: FAILURE}, 1)

    assert b"secret" not in first
    assert transitions.encode(start, end, {1: FAILURE}, 2) is first


# --- Secrets through every path ----------------------------------------------------------------


def over_http(server: RunningServer, headers: dict[str, str] | None = None) -> list[bytes]:
    answers = []
    for kind, path, args in CALLS:
        for encoded in ("json", "convex_encoded_json"):
            body = {"path": path, "args": args, "format": encoded}
            answers.append(server.post(f"/api/{kind}", body, headers).body)
        module, _, name = path.partition(":")
        answers.append(server.post(f"/api/run/{module}/{name}", {"args": args}, headers).body)
    queries = [{"path": path, "args": args} for kind, path, args in CALLS if kind == "query"]
    answers.append(server.post("/api/query_batch", {"queries": queries}, headers).body)
    ts = server.post("/api/query_ts", {}).json["ts"]
    answers += [
        server.post("/api/query_at_ts", {**query, "ts": ts}, headers).body for query in queries
    ]
    answers.append(server.request("GET", "/http/fail", headers=headers).body)
    return answers


def over_websocket(server: RunningServer) -> list[bytes]:
    frames: list[Any] = []

    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await client.send(connect())
            queries = [(path, args) for kind, path, args in CALLS if kind == "query"]
            added = [
                {"type": "Add", "queryId": number, "udfPath": path, "args": [args]}
                for number, (path, args) in enumerate(queries)
            ]
            await client.send(modify(0, 1, *added))
            frames.append(await client.read_until("Transition"))
            for number, (kind, path, args) in enumerate(CALLS):
                if kind != "query":
                    call = {"requestId": number, "udfPath": path, "args": [args]}
                    await client.send(message(kind.title(), **call))
                    frames.append(await client.read_until(f"{kind.title()}Response"))
            frames.append(await client.read_until("Transition"))

    run_scenario(server, scenario)
    return [orjson.dumps(frame) for frame in frames]


def test_no_secret_reaches_a_client_and_none_but_texts_of_functions_the_log(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        seen = over_http(server) + over_websocket(server)
    metrics = server.request("GET", "/metrics").body
    log = server.request("GET", "/api/stream_function_logs", headers=admin(server)).body

    assert len(seen) > 50
    assert [answer for answer in seen if b"CANARY" in answer] == []
    assert any(b"meant for the client" in answer for answer in seen)
    assert any(b"Server Error" in answer for answer in seen)
    assert b"CANARY" not in metrics
    assert "CANARY" not in caplog.text
    for found in (b"CANARY-in-query-error", b"CANARY-in-mutation-error", b"CANARY-in-action-error",
                  b"CANARY-printed-by-mutation", b"CANARY-in-http-error"):  # fmt: skip
        assert found in log
    for secret in (b"CANARY-of-environment", server.admin_key.encode()):
        assert secret not in log + metrics + b"".join(seen)
        assert secret not in caplog.text.encode()


def test_arguments_are_not_in_the_log_unless_an_error_quotes_them(server: RunningServer) -> None:
    server.post("/api/mutation", {"path": "shop:order", "args": {"item": "CANARY-in-args"}})
    log = server.request("GET", "/api/stream_function_logs", headers=admin(server)).body

    assert b"shop:order" in log
    assert b"CANARY-in-args" not in log


def test_an_admin_sees_everything_over_http(server: RunningServer) -> None:
    seen = b"".join(over_http(server, admin(server)))

    assert b"CANARY-in-query-error" in seen
    assert b"CANARY-printed-by-query" in seen
    assert b"CANARY-of-environment" not in seen


def test_without_redaction_clients_see_texts_and_log_lines(tmp_path: Path) -> None:
    with observed_server(tmp_path, redacts_errors=False) as running:
        seen = b"".join(over_http(running) + over_websocket(running))

    for found in (b"CANARY-in-query-error", b"CANARY-in-http-error", b"CANARY-printed-by-action"):
        assert found in seen
