import pytest

from tests.server.running_server import Answer, RunningServer

ENCODED = "convex_encoded_json"
INT64 = {"$integer": "AQAAAAAAAAA="}


def query(server: RunningServer, path: str, args: object, **fields: object) -> Answer:
    return server.post("/api/query", {"path": path, "args": args, "format": ENCODED, **fields})


def append(server: RunningServer, topic: str, text: str) -> Answer:
    return server.post(
        "/api/mutation",
        {"path": "journal:append", "args": {"topic": topic, "text": text}, "format": ENCODED},
    )


def entries(server: RunningServer, topic: str) -> object:
    return query(server, "journal:entries", {"topic": topic}).json["value"]


# --- Queries, mutations, actions ------------------------------------------------------------


def test_a_mutation_is_seen_by_the_query_after_it(server: RunningServer) -> None:
    answer = append(server, "t", "one")

    assert answer.status == 200
    assert answer.json.keys() == {"status", "value"}
    assert answer.json["status"] == "success"
    assert entries(server, "t") == ["one"]


def test_an_action_is_run(server: RunningServer) -> None:
    args = {"name": "n", "times": 2, "pause_ms": 0}
    answer = server.post(
        "/api/action", {"path": "counters:add_slowly", "args": args, "format": ENCODED}
    )

    assert answer.json == {"status": "success", "value": 2.0}


@pytest.mark.parametrize("path", ["values:echo", "values.js:echo"])
def test_arguments_may_come_in_a_list(server: RunningServer, path: str) -> None:
    assert query(server, path, {"value": 1}).body == b'{"status":"success","value":1.0}'
    assert query(server, path, [{"value": 1}]).body == b'{"status":"success","value":1.0}'


def test_a_path_without_a_name_means_the_default(server: RunningServer) -> None:
    assert query(server, "values", {}).json["value"] == "default"


def test_log_lines_are_there_only_if_there_are_any(server: RunningServer) -> None:
    quiet = query(server, "values:echo", {"value": 1}).json
    loud = query(server, "logs:print_line", {"line": "hello"}).json

    assert "logLines" not in quiet
    assert len(loud["logLines"]) == 1
    assert loud["logLines"][0].startswith("[LOG] ")
    assert "hello" in loud["logLines"][0]


# --- Formats --------------------------------------------------------------------------------

VALUES: dict[str, object] = {
    "int64": INT64,
    "float": 1,
    "nan": {"$float": "AAAAAAAA+H8="},
    "bytes": {"$bytes": "AQI="},
    "list": [None, True, "text"],
}
CLEAN = {"int64": "1", "float": 1.0, "nan": "NaN", "bytes": "AQI=", "list": [None, True, "text"]}


@pytest.mark.parametrize("name", ["convex_encoded_json", "convex_json"])
def test_the_encoded_format_keeps_types(server: RunningServer, name: str) -> None:
    answer = query(server, "values:echo", {"value": VALUES}, format=name)

    assert answer.json["value"] == {**VALUES, "float": 1.0}
    assert b'"float":1.0' in answer.body


@pytest.mark.parametrize("name", ["json", "convex_clean_json"])
def test_the_clean_format_is_plain_json(server: RunningServer, name: str) -> None:
    answer = query(server, "values:echo", {"value": VALUES}, format=name)

    assert answer.json["value"] == CLEAN


def test_the_clean_format_holds_for_error_data_too(server: RunningServer) -> None:
    answer = query(server, "errors:raise_data", {"data": INT64}, format="json")

    assert answer.json["errorData"] == "1"


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ({}, "1"),
        ({"Convex-Client": "npm-1.48.0"}, "1"),
        ({"Convex-Client": "npm-1.4.0"}, INT64),
        ({"Convex-Client": "python-0.5.0"}, INT64),
    ],
)
def test_without_a_format_the_client_decides(
    server: RunningServer, headers: dict[str, str], value: object
) -> None:
    body = {"path": "values:echo", "args": {"value": INT64}}

    assert server.post("/api/query", body, headers).json["value"] == value


@pytest.mark.parametrize("name", ["export_json", "xml", 1, ["json"]])
def test_an_unknown_format_is_refused(server: RunningServer, name: object) -> None:
    answer = query(server, "values:echo", {"value": 1}, format=name)

    assert (answer.status, answer.json["code"]) == (400, "BadFormat")


# --- Errors of functions have status 200 -----------------------------------------------------


def test_an_error_of_a_function_is_an_answer(server: RunningServer) -> None:
    answer = query(server, "errors:raise_plain", {})

    assert answer.status == 200
    assert answer.json.keys() == {"status", "errorMessage"}
    assert answer.json["status"] == "error"
    first, second, *_ = answer.json["errorMessage"].split("\n")
    assert first.startswith("[Request ID: ")
    assert first.endswith("] Server Error")
    assert second == "Uncaught ValueError: the plain error"


@pytest.mark.parametrize("data", [None, {"why": "none"}, "text"])
def test_an_application_error_carries_its_data(server: RunningServer, data: object) -> None:
    answer = query(server, "errors:raise_data", {"data": data})

    assert answer.status == 200
    assert answer.json["errorData"] == data


@pytest.mark.parametrize(
    ("path", "args", "text"),
    [
        ("values:missing", {}, "Could not find public function for 'values:missing'."),
        ("missing", {}, "Could not find public function for 'missing'."),
        ("counters:reset", {"name": "n"}, "Could not find public function for 'counters:reset'."),
        ("journal:append", {"topic": "t", "text": "x"}, "as Query, but it is defined as Mutation."),
        ("journal:entries", {}, "ArgumentValidationError: "),
        ("journal:entries", [{}, {}], "Expected to receive a single object as the function's"),
        ("journal:entries", [], "Instead received 0 arguments: []"),
        ("journal:entries", None, "Instead received: null"),
        ("journal:entries", "x", 'Instead received: "x"'),
        ("journal:entries", {"topic": {"$integer": 1}}, "Invalid arguments for journal.js:entries"),
        ("values:wrong_result", {}, "ReturnsValidationError: "),
    ],
)
def test_a_call_that_cannot_be_is_an_error_of_the_function(
    server: RunningServer, path: str, args: object, text: str
) -> None:
    answer = query(server, path, args)

    assert answer.status == 200
    assert answer.json["status"] == "error"
    assert text in answer.json["errorMessage"]
    assert "errorData" not in answer.json


def test_the_clients_own_request_id_is_used(server: RunningServer) -> None:
    body = {"path": "errors:raise_plain", "args": {}}
    answers = [
        server.post("/api/query", body, {"Convex-Request-Id": request_id}).json["errorMessage"]
        for request_id in ("0123456789abcdef", "not an id")
    ]

    assert answers[0].startswith("[Request ID: 0123456789abcdef] ")
    assert not answers[1].startswith("[Request ID: not an id]")
