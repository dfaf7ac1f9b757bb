from collections.abc import Iterator

import pytest

from livefile import Livefile
from tests.acceptance.server_process import ROOT
from tests.server.observed_app import admin
from tests.server.running_server import Answer, RunningServer, run_in_background

REMINDERS = ROOT / "fixtures" / "reminders"
PAGE = {"numItems": 10, "cursor": None}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    # So far away that none is due while the tests run.
    with Livefile.open(":memory:", REMINDERS) as livefile, run_in_background(livefile) as running:
        yield running


def ask(server: RunningServer, path: str, **args: object) -> Answer:
    body = {"path": f"_system/{path}", "args": args, "format": "json"}
    return server.post("/api/function", body, admin(server))


def jobs_count(server: RunningServer) -> int:
    answer = ask(server, "frontend/paginatedScheduledJobs", paginationOpts=PAGE)
    return len(answer.json["value"]["page"])


def remind(server: RunningServer, count: int) -> None:
    for _ in range(count):
        args = {"text": "tea", "seconds": 100_000}
        server.post("/api/mutation", {"path": "reminders:add", "args": args})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/check_admin_key"),
        ("GET", "/api/shapes2"),
        ("POST", "/api/delete_tables"),
        ("POST", "/api/cancel_job"),
        ("POST", "/api/cancel_all_jobs"),
        ("POST", "/api/import/start_upload"),
        ("POST", "/api/import/upload_part"),
        ("POST", "/api/import/finish_upload"),
        ("POST", "/api/perform_import"),
        ("POST", "/api/cancel_import"),
        ("POST", "/api/export/request/zip"),
        ("GET", "/api/export/zip/1"),
    ],
)
def test_a_route_is_for_admins_only(server: RunningServer, method: str, path: str) -> None:
    without = server.request(method, path)
    wrong = server.request(method, path, headers={"Authorization": "Convex livefile|wrong"})

    assert (without.status, wrong.status) == (401, 401)
    assert without.json["code"] == wrong.json["code"] == "BadAdminKey"


def test_the_admin_key_allows_everything(server: RunningServer) -> None:
    facts = server.request("GET", "/api/check_admin_key", headers=admin(server)).json

    assert facts["success"] is True
    assert facts["isReadOnly"] is False
    assert "WriteData" in facts["allowedOps"]


def test_the_shape_of_a_table_is_told_once_it_has_documents(server: RunningServer) -> None:
    remind(server, 1)

    shape = server.request("GET", "/api/shapes2", headers=admin(server)).json["reminders"]

    fields = {each["fieldName"]: each["shape"]["type"] for each in shape["fields"]}
    assert (fields["_id"], fields["text"], fields["is_sent"]) == ("String", "String", "Boolean")


def test_scheduled_functions_are_cancelled_by_id_and_all_together(server: RunningServer) -> None:
    server.post("/api/cancel_all_jobs", {}, admin(server))
    remind(server, 3)
    listed = ask(server, "frontend/paginatedScheduledJobs", paginationOpts=PAGE)
    job = listed.json["value"]["page"][0]["_id"]

    one = server.post("/api/cancel_job", {"id": job, "componentId": None}, admin(server))
    after_one = jobs_count(server)
    rest = server.post("/api/cancel_all_jobs", {"udfPath": "reminders.js:send"}, admin(server))

    assert (one.status, rest.status) == (200, 200)
    assert (after_one, jobs_count(server)) == (2, 0)


def test_what_is_no_job_cannot_be_cancelled(server: RunningServer) -> None:
    answer = server.post("/api/cancel_job", {"id": "nothing"}, admin(server))

    assert answer.status == 400
    assert "nothing" in answer.json["message"]


def test_a_table_that_no_schema_declares_is_emptied(server: RunningServer) -> None:
    documents = [{"n": number} for number in range(300)]
    ask(server, "frontend/addDocument", table="notes", documents=documents)

    answer = server.post("/api/delete_tables", {"tableNames": ["notes"]}, admin(server))

    assert answer.status == 200
    assert ask(server, "cli/tableSize:default", tableName="notes").json["value"] == 0


@pytest.mark.parametrize(
    ("names", "code"),
    [(["reminders"], "TableIsDeclared"), (["_storage"], "BadSystemArgument"), (7, "BadJsonBody")],
)
def test_a_table_that_is_not_the_users_to_delete_stays(
    server: RunningServer, names: object, code: str
) -> None:
    answer = server.post("/api/delete_tables", {"tableNames": names}, admin(server))

    assert (answer.status, answer.json["code"]) == (400, code)


def test_an_echo_is_what_was_sent(server: RunningServer) -> None:
    body = bytes(range(256)) * 5_000

    answer = server.request("POST", "/echo", body, {"Content-Type": "text/html"})

    assert answer.body == body
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_system_functions_of_components_are_for_admins(server: RunningServer) -> None:
    body = {"path": "_system/cli/tables", "args": {"paginationOpts": PAGE}, "componentPath": "a/b"}

    refused = server.post("/api/query", body)
    answered = server.post("/api/query", body, admin(server))
    malformed = server.post("/api/query", {**body, "componentPath": "a b"}, admin(server))

    assert (refused.status, refused.json["code"]) == (400, "FunctionNotFound")
    assert answered.json["value"]["page"] == []
    assert (malformed.status, malformed.json["code"]) == (400, "BadConvexFunctionIdentifier")
