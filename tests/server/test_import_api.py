"""Imports and exports over HTTP. That the CLI uses them so is in ``acceptance/cli/``."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from livefile import Livefile
from tests.server.observed_app import admin
from tests.server.running_server import Answer, RunningServer, run_in_background


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with Livefile.open(":memory:") as livefile, run_in_background(livefile) as running:
        yield running


def start(server: RunningServer) -> str:
    token: str = server.post("/api/import/start_upload", {}, admin(server)).json["uploadToken"]
    return token


def part(server: RunningServer, token: str, number: object, body: bytes) -> Answer:
    path = f"/api/import/upload_part?uploadToken={token}&partNumber={number}"
    headers = {**admin(server), "Content-Type": "application/octet-stream"}
    return server.request("POST", path, body, headers)


def finish(server: RunningServer, token: str, parts: Sequence[object], **wanted: object) -> Answer:
    defaults = {"tableName": "notes", "mode": "append", "format": "jsonLines"}
    body = {"import": {**defaults, **wanted}, "uploadToken": token, "partTokens": parts}
    return server.post("/api/import/finish_upload", body, admin(server))


def wait_for(server: RunningServer, path: str, *states: str, **args: object) -> dict[str, Any]:
    with server.livefile.watch(path, **args) as changes:
        for found in changes:
            state = None if found is None else found["state"]
            if (state["state"] if isinstance(state, dict) else state) in states:
                wanted: dict[str, Any] = found
                return wanted
    raise AssertionError("the watch ended")


def documents_count(server: RunningServer, table: str) -> float:
    count: float = server.livefile.query("_system/cli/tableSize:default", tableName=table)
    return count


def test_parts_are_put_together_in_the_order_of_their_tokens(server: RunningServer) -> None:
    token = start(server)
    last = part(server, token, 2, b'2}\n{"n": 3}\n').json
    first = part(server, token, 1, b'{"n": 1}\n{"n": ').json
    import_id = finish(server, token, [first, last], tableName="parts").json["importId"]
    path = "_system/cli/queryImport"
    wait_for(server, path, "waiting_for_confirmation", importId=import_id)

    performed = server.post("/api/perform_import", {"importId": import_id}, admin(server))
    done = wait_for(server, path, "completed", "failed", importId=import_id)

    assert performed.status == 200
    assert done["state"]["num_rows_written"] == 3
    assert documents_count(server, "parts") == 3


def test_a_cancelled_import_writes_nothing(server: RunningServer) -> None:
    token = start(server)
    only = part(server, token, 1, b'{"n": 1}\n').json
    import_id = finish(server, token, [only], tableName="cancelled").json["importId"]
    path = "_system/cli/queryImport"
    wait_for(server, path, "waiting_for_confirmation", importId=import_id)

    cancelled = server.post("/api/cancel_import", {"importId": import_id}, admin(server))

    assert cancelled.status == 200
    assert documents_count(server, "cancelled") == 0


@pytest.mark.parametrize("number", ["", "0", "-1", "x", "10001"])
def test_a_part_needs_a_number(server: RunningServer, number: str) -> None:
    answer = part(server, start(server), number, b"x")

    assert (answer.status, answer.json["code"]) == (400, "BadPartNumber")


def test_a_part_needs_an_upload(server: RunningServer) -> None:
    answer = part(server, "nothing", 1, b"x")

    assert (answer.status, answer.json["code"]) == (400, "UploadNotFound")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"mode": "all"}, "BadImport"),
        ({"format": "xml"}, "BadImport"),
        ({"tableName": None}, "BadImport"),
        ({"format": "zip"}, "BadImport"),
        ({"tableName": 5}, "BadJsonBody"),
    ],
)
def test_an_import_that_cannot_be_is_refused(
    server: RunningServer, wanted: dict[str, object], code: str
) -> None:
    token = start(server)
    only = part(server, token, 1, b"{}\n").json

    answer = finish(server, token, [only], **wanted)

    assert (answer.status, answer.json["code"]) == (400, code)


def test_the_token_of_a_part_is_of_its_upload(server: RunningServer) -> None:
    other = part(server, start(server), 1, b"{}\n").json

    answer = finish(server, start(server), [other])

    assert (answer.status, answer.json["code"]) == (400, "BadPartTokens")


def test_a_part_is_in_the_file_once(server: RunningServer) -> None:
    token = start(server)
    one = part(server, token, 1, b"{}\n").json

    for parts in ([one, one], [[one]]):
        answer = finish(server, token, parts)
        assert (answer.status, answer.json["code"]) == (400, "BadPartTokens")
    assert finish(server, token, [one]).status == 200


def test_the_oldest_of_too_many_uploads_makes_room(server: RunningServer) -> None:
    oldest = start(server)
    for _ in range(4):
        newest = start(server)

    assert part(server, oldest, 1, b"x").json["code"] == "UploadNotFound"
    assert part(server, newest, 1, b"x").status == 200


def test_an_export_is_sent_as_a_file(server: RunningServer) -> None:
    begun = server.post("/api/export/request/zip?includeStorage=true", {}, admin(server))
    latest = wait_for(server, "_system/cli/exports:getLatest", "completed", "failed")
    path = f"/api/export/zip/{latest['start_ts']}"

    answer = server.request("GET", path, headers=admin(server))

    assert begun.status == 200
    name = f"snapshot_livefile_{latest['start_ts']}.zip"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert "_storage/documents.jsonl" in archive.namelist()


def test_an_export_that_is_not_kept_is_said_to_be_gone(server: RunningServer) -> None:
    answer = server.request("GET", "/api/export/zip/1", headers=admin(server))

    assert (answer.status, answer.json["code"]) == (400, "ExportNotFound")
