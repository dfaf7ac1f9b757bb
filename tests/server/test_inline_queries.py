"""The route of inline queries: who may send one, and in which forms it is answered."""

from typing import Any

import pytest

from tests.server.observed_app import admin
from tests.server.running_server import Answer, RunningServer

WRAPPERS = 'import { query } from "convex:/_system/repl/wrappers.js";\n'


def post(server: RunningServer, handler: str, **more: Any) -> Answer:
    source = f"{WRAPPERS}export default query({handler});"
    body = {"bundle": {"path": "testQuery.js", "source": source}, "args": {}, **more}
    return server.post("/api/run_test_function", body, admin(server))


def test_a_query_is_answered_in_the_form_that_is_asked_for(server: RunningServer) -> None:
    handler = 'async (ctx, { n }) => { console.log("seen"); return n; }'
    args = {"n": {"$integer": "AQAAAAAAAAA="}}

    encoded = post(server, handler, args=args, format="convex_encoded_json")
    clean = post(server, handler, args=[args], format="json")

    assert encoded.json == {"status": "success", "value": args["n"], "logLines": ["[LOG] 'seen'"]}
    assert clean.json["value"] == "1"


def test_what_a_query_throws_is_an_answer_too(server: RunningServer) -> None:
    answer = post(server, 'async () => { throw new Error("no"); }')

    assert answer.status == 200
    assert answer.json["status"] == "error"
    assert "Uncaught Error: no" in answer.json["errorMessage"]


def test_only_the_holder_of_the_admin_key_may_send_one(server: RunningServer) -> None:
    body = {"bundle": {"path": "testQuery.js", "source": WRAPPERS}, "args": {}}

    answer = server.post("/api/run_test_function", body)

    assert (answer.status, answer.json["code"]) == (401, "BadAdminKey")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"bundle": {"path": "testQuery.js"}}, "bundle: {source: string}"),
        ({"bundle": None}, "bundle: {source: string}"),
        ({"componentId": 1}, "componentId must be a string or null, not 1"),
        ({"componentId": "third"}, "There is no component 'third'"),
        ({"format": "xml"}, "format must be one of"),
    ],
)
def test_a_request_that_is_none_is_refused(
    server: RunningServer, more: dict[str, object], message: str
) -> None:
    answer = post(server, "async () => 1", **more)

    assert answer.status == 400
    assert message in answer.json["message"]


def test_arguments_that_are_none_are_refused_like_those_of_every_function(
    server: RunningServer,
) -> None:
    answer = post(server, "async () => 1", args=[{}, {}])

    assert "Expected to receive a single object" in answer.json["errorMessage"]


def test_the_admin_key_stands_for_an_account_of_the_cloud(server: RunningServer) -> None:
    headers = {"Authorization": f"Bearer {server.admin_key}"}

    known = server.request("HEAD", "/api/authorize", None, headers)
    terms = server.post("/api/check_opt_ins", {}, headers)

    assert (known.status, terms.json) == (200, {"optInsToAccept": []})


@pytest.mark.parametrize("header", ["Bearer livefile|wrong", "Convex livefile|wrong", "x"])
def test_no_other_account_is_known(server: RunningServer, header: str) -> None:
    answer = server.request("GET", "/api/authorize", None, {"Authorization": header})

    assert answer.status == 401
