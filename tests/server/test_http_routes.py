import socket

import pytest

from livefile import limits
from tests.server.running_server import WAIT_S, Answer, RunningServer
from tests.server.sync_client import version

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


# --- Bad requests ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{}", "text/plain", "BadJsonBody"),
        (b"{", "application/json", "BadJsonBody"),
        (b"", "application/json", "BadJsonBody"),
        (b"[]", "application/json", "BadJsonBody"),
        (b"{}", "application/json", "BadJsonBody"),
        (b'{"path":7}', "application/json; charset=utf-8", "BadJsonBody"),
        (b'{"path":"no path:x"}', "application/json", "BadConvexFunctionIdentifier"),
        (b'{"path":""}', "application/json", "BadConvexFunctionIdentifier"),
        (b'{"path":"a:b","componentPath":"c"}', "application/json", "FunctionNotFound"),
    ],
)
def test_a_body_that_asks_for_nothing_is_refused(
    server: RunningServer, body: bytes, content_type: str, code: str
) -> None:
    answer = server.request("POST", "/api/query", body, {"Content-Type": content_type})

    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json["code"] == code
    assert answer.json["message"]


def test_a_body_without_a_type_is_refused(server: RunningServer) -> None:
    answer = server.request("POST", "/api/query", b"{}")

    assert (answer.status, answer.json["code"]) == (400, "BadJsonBody")


def test_a_body_that_is_too_large_is_refused(server: RunningServer) -> None:
    most = limits.HTTP_BODY_SIZE_BYTES_MAX
    answer = server.post("/api/query", {"path": "x" * most})

    assert (answer.status, answer.json["code"]) == (413, "RequestBodyTooLarge")
    assert query(server, "values:echo", {"value": 1}).status == 200


@pytest.mark.parametrize("excess", [0, 1])
def test_a_body_is_bounded_also_if_its_size_is_not_told(server: RunningServer, excess: int) -> None:
    start, end = b'{"path":"values:echo","args":{"value":"', b'"}}'
    filling = b"x" * (limits.HTTP_BODY_SIZE_BYTES_MAX + excess - len(start) - len(end))

    # Sent in chunks, without a Content-Length.
    answer = server.request(
        "POST", "/api/query", iter([start, filling, end]), {"Content-Type": "application/json"}
    )

    assert answer.status == (413 if excess else 200)


def test_a_client_may_ask_whether_its_body_is_wanted(server: RunningServer) -> None:
    body = b'{"path":"values:echo","args":{"value":1}}'
    head = (
        b"POST /api/query HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" % len(body)
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as connection:
        connection.sendall(head)
        wanted = connection.recv(1000)
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(1000), b""))

    assert wanted == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'{"status":"success","value":1.0}')


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "NotFound"),
        ("POST", "/api/nothing", 404, "NotFound"),
        ("GET", "/api/mutation", 405, "MethodNotAllowed"),
        ("DELETE", "/api/query", 405, "MethodNotAllowed"),
    ],
)
def test_an_unknown_route_is_answered_in_json(
    server: RunningServer, method: str, path: str, status: int, code: str
) -> None:
    answer = server.request(method, path)

    assert (answer.status, answer.json["code"]) == (status, code)


# --- Other ways to call -----------------------------------------------------------------------


def get_query(server: RunningServer, path: str) -> Answer:
    return server.request("GET", f"/api/query?path={path}")


@pytest.mark.parametrize(
    ("search", "value"),
    [
        ("values:echo&args=%7B%22value%22%3A1%7D", 1.0),
        ("values:echo&args=%5B%7B%22value%22%3A%22x%22%7D%5D&format=json", "x"),
        ("values", "default"),
    ],
)
def test_a_query_can_be_named_by_the_address(
    server: RunningServer, search: str, value: object
) -> None:
    assert get_query(server, search).json == {"status": "success", "value": value}


def test_a_bad_address_is_refused(server: RunningServer) -> None:
    assert get_query(server, "values:echo&args=%7B").json["code"] == "BadQueryArgs"
    assert server.request("GET", "/api/query").json["code"] == "BadJsonBody"
    assert get_query(server, "values&adminKey=wrong%7Ckey").json["code"] == "BadAdminKey"


def test_a_function_can_be_named_by_the_path(server: RunningServer) -> None:
    answer = server.post("/api/run/values/echo", {"args": {"value": INT64}})

    assert answer.json == {"status": "success", "value": "1"}


def test_any_kind_of_function_can_be_named_by_the_path(server: RunningServer) -> None:
    args = {"topic": "t", "text": "one"}

    assert server.post("/api/run/journal/append", {"args": args}).json["status"] == "success"
    assert entries(server, "t") == ["one"]


@pytest.mark.parametrize("path", ["values", "/values", "values/", "%2Fvalues"])
def test_a_path_needs_a_module_and_a_function(server: RunningServer, path: str) -> None:
    answer = server.post(f"/api/run/{path}", {"args": {}})

    assert (answer.status, answer.json["code"]) == (400, "MissingIdentifier")


@pytest.mark.parametrize("is_admin", [False, True])
def test_only_admins_call_internal_functions(server: RunningServer, is_admin: bool) -> None:
    headers = {"Authorization": f"Convex {server.admin_key}"} if is_admin else {}
    answer = server.post("/api/run/counters/reset", {"args": {"name": "n"}}, headers)

    assert answer.status == 200
    assert (answer.json["status"] == "success") is is_admin


def test_the_route_for_admins_takes_functions_of_any_kind(server: RunningServer) -> None:
    headers = {"Authorization": f"Convex {server.admin_key}"}
    values = [
        server.post("/api/function", {"path": path, "args": args}, headers).json["value"]
        for path, args in [
            ("counters:add", {"name": "n"}),
            ("counters:add_slowly", {"name": "n", "times": 1, "pause_ms": 0}),
            ("counters:reset", {"name": "n"}),
            ("counters:get", {"name": "n"}),
        ]
    ]

    assert values == [1.0, 2.0, None, 0.0]


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 401, "BadAdminKey"),
        ("Convex wrong|00", 401, "BadAdminKey"),
        ("Bearer a.b.c", 401, "InvalidAuthHeader"),
        ("Bearer abc", 401, "InvalidAuthHeader"),
        ("Conv", 400, "InvalidHeaderFailure"),
        ("Something else", 400, "InvalidAdminKey"),
    ],
)
def test_the_route_for_admins_is_closed_to_others(
    server: RunningServer, header: str | None, status: int, code: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = server.post("/api/function", {"path": "values:echo", "args": {}}, headers)

    assert (answer.status, answer.json["code"]) == (status, code)


# --- Timestamps ------------------------------------------------------------------------------


def test_a_query_can_be_asked_of_the_past(server: RunningServer) -> None:
    append(server, "t", "one")
    ts = server.request("POST", "/api/query_ts").json["ts"]
    append(server, "t", "two")

    body = {"path": "journal:entries", "args": {"topic": "t"}, "ts": ts, "format": ENCODED}
    assert server.post("/api/query_at_ts", body).json["value"] == ["one"]
    assert entries(server, "t") == ["one", "two"]


@pytest.mark.parametrize(
    ("ts", "status", "code"),
    [
        (None, 400, "InvalidTimestamp"),
        ("AAAA", 400, "InvalidTimestamp"),
        (version(0, 0, 2**63 - 1)["ts"], 400, "InvalidTimestamp"),
        (version(0, 0, 1)["ts"], 503, "OutOfRetention"),
    ],
)
def test_a_time_that_is_not_kept_is_refused(
    server: RunningServer, ts: object, status: int, code: str
) -> None:
    body = {"path": "journal:entries", "args": {"topic": "t"}, "ts": ts}
    answer = server.post("/api/query_at_ts", body)

    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_batch_is_answered_in_order(server: RunningServer) -> None:
    queries: list[object] = [
        {"path": "values:echo", "args": {"value": INT64}, "format": ENCODED},
        {"path": "values:echo", "args": {"value": INT64}, "format": "json"},
        {"path": "errors:raise_plain", "args": {}},
        {"path": "values:echo", "args": []},
        {"path": "values:echo", "args": [{"value": None}]},
    ]
    answer = server.post("/api/query_batch", {"queries": queries})

    results = answer.json["results"]
    assert [result["status"] for result in results[:2]] == ["success", "success"]
    assert [result["status"] for result in results[2:]] == ["error", "error", "success"]
    assert [results[0]["value"], results[1]["value"], results[4]["value"]] == [INT64, "1", None]


@pytest.mark.parametrize("queries", [None, {}, [1], [[]]])
def test_a_batch_that_is_no_list_of_queries_is_refused(
    server: RunningServer, queries: object
) -> None:
    answer = server.post("/api/query_batch", {"queries": queries})

    assert (answer.status, answer.json["code"]) == (400, "BadJsonBody")


def test_an_empty_batch_has_no_results(server: RunningServer) -> None:
    assert server.post("/api/query_batch", {"queries": []}).json == {"results": []}


def test_a_batch_is_bounded(server: RunningServer) -> None:
    part = {"path": "values:echo", "args": {}}
    answer = server.post("/api/query_batch", {"queries": [part] * 1001})

    assert limits.HTTP_BATCH_QUERIES_MAX == 1000
    assert (answer.status, answer.json["code"]) == (400, "BadJsonBody")


# --- Browsers, and the texts about the server --------------------------------------------------


def test_pages_of_any_origin_may_read_answers(server: RunningServer) -> None:
    headers = {"Origin": "https://page.example"}
    answers = [
        server.post("/api/query", {"path": "values:echo", "args": {"value": 1}}, headers),
        server.request("POST", "/api/query", b"{", headers),
        server.request("GET", "/api/nothing", headers=headers),
        server.request("GET", "/version", headers=headers),
    ]

    assert [answer.status for answer in answers] == [200, 400, 404, 200]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example"
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Vary"] == "Origin"


def test_a_page_may_ask_beforehand(server: RunningServer) -> None:
    headers = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,convex-client",
    }
    answer = server.request("OPTIONS", "/api/mutation", headers=headers)

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example"
    assert (
        answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS, PATCH, DELETE, PUT"
    )
    assert (
        answer.headers["Access-Control-Allow-Headers"] == headers["Access-Control-Request-Headers"]
    )
    assert answer.headers["Access-Control-Max-Age"] == "86400"


def test_without_an_origin_no_such_headers_are_sent(server: RunningServer) -> None:
    assert "Access-Control-Allow-Origin" not in server.request("GET", "/version").headers


def test_the_server_names_itself(server: RunningServer) -> None:
    version_text = server.request("GET", "/version").body

    assert version_text
    assert server.request("GET", "/instance_version").body == version_text
    assert server.request("GET", "/instance_name").body == b"livefile"
    assert server.request("GET", "/").body == b"This Livefile deployment is running."
