"""The HTTP API, answer by answer."""

import http.client
import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import pytest

from tests.acceptance.server_process import ServerProcess

ECHO = {"path": "values:echo", "args": {"value": 1}, "format": "convex_encoded_json"}
VALUE = {
    "integer": {"$integer": "BwAAAAAAAAA="},
    "bytes": {"$bytes": "AP8="},
    "special": {"$float": "AAAAAAAA8H8="},
    "number": 1,
}


def request(
    server: ServerProcess, method: str, route: str, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], str]:
    """Return the status, the headers (names in lower case) and the text of any request."""
    address = urlsplit(server.url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    try:
        connection.request(method, route, headers=dict(headers))
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return response.status, names, response.read().decode()
    finally:
        connection.close()


def test_rule_16_success_and_failure_are_both_200(server: ServerProcess) -> None:
    assert server.post("/api/query", ECHO) == (200, {"status": "success", "value": 1.0})

    status, answer = server.post("/api/query", {"path": "errors:raise_plain", "args": {}})
    assert status == 200
    assert answer["status"] == "error"
    assert answer["errorMessage"].endswith("Uncaught ValueError: the plain error") or (
        "Uncaught ValueError: the plain error\n" in answer["errorMessage"]
    )
    assert "errorData" not in answer


def test_rule_4_data_of_a_convex_error_are_there_also_when_null(server: ServerProcess) -> None:
    for data in (None, {"a": 1.0}):
        body = {"path": "errors:raise_data", "args": {"data": data}}
        status, answer = server.post("/api/query", body)

        assert (status, answer["status"], answer["errorData"]) == (200, "error", data)


def test_rule_13_floats_have_a_fraction(server: ServerProcess) -> None:
    _, text = server.post_raw("/api/query", json.dumps(ECHO).encode())

    assert '"value":1.0' in text.replace(" ", "")


def test_rule_5_log_lines_come_with_the_answer(server: ServerProcess) -> None:
    body = {"path": "logs:print_line", "args": {"line": "over HTTP"}}

    _, answer = server.post("/api/query", body)
    assert answer["logLines"] == ["[LOG] over HTTP"]


@pytest.mark.parametrize(
    ("value_format", "expected"),
    [
        (
            "json",
            {"integer": "7", "bytes": "AP8=", "special": "Infinity", "number": 1.0},
        ),
        ("convex_encoded_json", {**VALUE, "number": 1.0}),
        (None, {"integer": "7", "bytes": "AP8=", "special": "Infinity", "number": 1.0}),
    ],
)
def test_a_result_comes_in_the_format_asked_for(
    server: ServerProcess, value_format: str | None, expected: Mapping[str, object]
) -> None:
    body: dict[str, object] = {"path": "values:echo", "args": {"value": VALUE}}
    if value_format is not None:
        body["format"] = value_format

    _, answer = server.post("/api/query", body)
    assert answer["value"] == expected


def test_args_may_be_a_list_of_one_object(server: ServerProcess) -> None:
    _, answer = server.post("/api/query", {**ECHO, "args": [{"value": 2}]})

    assert answer["value"] == 2


def test_a_query_can_be_asked_for_by_get(server: ServerProcess) -> None:
    args = quote(json.dumps({"value": "by GET"}))

    status, _, text = request(server, "GET", f"/api/query?path=values:echo&args={args}", {})
    assert (status, json.loads(text)["value"]) == (200, "by GET")


def test_run_takes_the_function_from_the_route(server: ServerProcess) -> None:
    status, answer = server.post("/api/run/counters/add", {"args": {"name": "run"}})
    assert (status, answer["value"]) == (200, 1)

    status, answer = server.post("/api/run/counters", {"args": {}})
    assert (status, answer["code"]) == (400, "MissingIdentifier")


def test_a_batch_is_answered_in_order(server: ServerProcess) -> None:
    queries = [
        {"path": "values:echo", "args": {"value": 1}},
        {"path": "errors:raise_plain", "args": {}},
        {"path": "values:echo", "args": {"value": 2}},
    ]

    status, answer = server.post("/api/query_batch", {"queries": queries})
    assert status == 200
    assert [result["status"] for result in answer["results"]] == ["success", "error", "success"]
    assert [result.get("value") for result in answer["results"]] == [1, None, 2]


def test_a_query_at_an_earlier_timestamp_sees_that_time(server: ServerProcess) -> None:
    args = {"name": "at ts"}
    server.mutation("counters:add", args)
    status, text = server.post_raw("/api/query_ts", b"")
    assert status == 200
    ts = json.loads(text)["ts"]
    server.mutation("counters:add", args)

    _, then = server.post("/api/query_at_ts", {"path": "counters:get", "args": args, "ts": ts})
    _, now = server.post("/api/query", {"path": "counters:get", "args": args})
    assert (then["value"], now["value"]) == (1, 2)


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ("short", 400, "InvalidHeaderFailure"),
        ("Neither of them", 400, "InvalidAdminKey"),
        ("Convex wrong|key", 401, "BadAdminKey"),
        ("Bearer not.a.token", 401, None),
    ],
)
def test_unusable_credentials_are_refused(
    server: ServerProcess, authorization: str, status: int, code: str | None
) -> None:
    answered, answer = server.post("/api/query", ECHO, {"Authorization": authorization})

    assert answered == status, answer
    assert answer["message"]
    assert code in (None, answer["code"])


def test_pages_of_other_ports_of_this_machine_may_call(server: ServerProcess) -> None:
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,convex-client",
    }

    status, answered, _ = request(server, "OPTIONS", "/api/query", headers)
    assert status in (200, 204)
    assert answered["access-control-allow-origin"] == "http://localhost:5173"
    assert answered["access-control-allow-headers"] == "content-type,convex-client"
    assert answered["access-control-allow-credentials"] == "true"
    assert "POST" in answered["access-control-allow-methods"]
    assert answered["access-control-max-age"] == "86400"


def test_an_answer_to_another_origin_says_so(server: ServerProcess) -> None:
    headers = {"Origin": "http://127.0.0.1:5173"}

    status, answered, text = request(server, "GET", "/version", headers)
    assert status == 200
    assert text.strip()
    assert answered["access-control-allow-origin"] == "http://127.0.0.1:5173"


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("Origin", "http://elsewhere.example", "OriginNotAllowed"),
        ("Origin", "null", "OriginNotAllowed"),
        ("Host", "elsewhere.example", "HostNotAllowed"),
    ],
)
def test_pages_of_elsewhere_may_not_call_while_an_app_is_developed(
    server: ServerProcess, name: str, text: str, code: str
) -> None:
    status, answered, body = request(server, "GET", "/version", {name: text})

    assert (status, json.loads(body)["code"]) == (403, code)
    assert "access-control-allow-origin" not in answered
