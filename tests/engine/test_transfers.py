"""Imports and exports in the background: their states, as somebody who watches them sees them."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import BadRequestError, ImportFormat, ImportMode, Livefile
from livefile.system import snapshot_transfers
from tests.integrity import check_integrity

IMPORT = "_system/cli/queryImport"
EXPORT = "_system/cli/exports:getLatest"


@pytest.fixture
def livefile() -> Iterator[Livefile]:
    with Livefile.open(":memory:") as opened:
        yield opened
        check_integrity(opened._database)


def begin(livefile: Livefile, text: str, mode: ImportMode = ImportMode.APPEND) -> str:
    """Begin an import of lines into the table ``notes``."""
    path = livefile.transfers.folder / f"{len(list(livefile.transfers.folder.iterdir()))}.jsonl"
    path.write_text(text, encoding="utf-8")
    return livefile.transfers.begin_import(path, "notes", mode, ImportFormat.JSON_LINES)


def state_of(livefile: Livefile, id: str, *wanted: str) -> dict[str, Any]:
    """Wait until an import is in one of the states, and return it."""
    with livefile.watch(IMPORT, importId=id) as changes:
        for found in changes:
            if found["state"]["state"] in wanted:
                state: dict[str, Any] = found["state"]
                return state
    raise AssertionError("the watch ended")


def perform(livefile: Livefile, id: str) -> dict[str, Any]:
    state_of(livefile, id, "waiting_for_confirmation")
    livefile.transfers.perform_import(id)
    return state_of(livefile, id, "completed", "failed")


def export(livefile: Livefile) -> dict[str, Any]:
    livefile.transfers.begin_export(has_files=False)
    with livefile.watch(EXPORT) as changes:
        for found in changes:
            if found is not None and found["state"] in ("completed", "failed"):
                latest: dict[str, Any] = found
                return latest
    raise AssertionError("the watch ended")


def numbers(livefile: Livefile) -> list[float]:
    options = {"numItems": 100.0, "cursor": None}
    found = livefile.query(
        "_system/cli/tableData", table="notes", order="asc", paginationOpts=options
    )
    return [each["n"] for each in found["page"]]


def test_an_import_waits_until_it_is_confirmed(livefile: Livefile) -> None:
    id = begin(livefile, '{"n": 1}\n{"n": 2}\n')
    waiting = state_of(livefile, id, "waiting_for_confirmation")
    before = numbers(livefile)
    done = perform(livefile, id)

    assert "notes: 2 added, 0 removed" in waiting["message_to_confirm"]
    assert waiting["require_manual_confirmation"] is False
    assert before == []
    assert (done["state"], done["num_rows_written"]) == ("completed", 2)
    assert numbers(livefile) == [1.0, 2.0]


def test_an_import_that_removes_documents_says_so(livefile: Livefile) -> None:
    perform(livefile, begin(livefile, '{"n": 1}\n'))
    id = begin(livefile, '{"n": 2}\n', ImportMode.REPLACE)

    waiting = state_of(livefile, id, "waiting_for_confirmation")
    perform(livefile, id)

    assert "notes: 1 added, 1 removed" in waiting["message_to_confirm"]
    assert waiting["require_manual_confirmation"] is True
    assert numbers(livefile) == [2.0]


def test_an_import_of_what_is_no_document_fails_without_a_question(livefile: Livefile) -> None:
    id = begin(livefile, "no JSON\n")

    failed = state_of(livefile, id, "failed", "waiting_for_confirmation")

    assert failed["error_message"].startswith("the file, line 1")
    with pytest.raises(BadRequestError, match="is failed, not waiting_for_confirmation"):
        livefile.transfers.perform_import(id)


def test_an_import_is_performed_once(livefile: Livefile) -> None:
    id = begin(livefile, '{"n": 1}\n')
    perform(livefile, id)

    with pytest.raises(BadRequestError, match="is completed, not waiting_for_confirmation"):
        livefile.transfers.perform_import(id)
    assert numbers(livefile) == [1.0]


def test_a_cancelled_import_writes_nothing(livefile: Livefile) -> None:
    id = begin(livefile, '{"n": 1}\n')
    state_of(livefile, id, "waiting_for_confirmation")
    livefile.transfers.cancel_import(id)

    assert state_of(livefile, id, "failed")["error_message"] == "Import canceled"
    assert numbers(livefile) == []
    assert list(livefile.transfers.folder.iterdir()) == []


def test_what_is_no_import_cannot_be_performed(livefile: Livefile) -> None:
    with pytest.raises(BadRequestError, match="is unknown, not waiting"):
        livefile.transfers.perform_import("nothing")


def test_an_export_is_there_until_the_next_one_is(livefile: Livefile) -> None:
    perform(livefile, begin(livefile, '{"n": 1}\n'))
    first = export(livefile)
    path = livefile.transfers.find_export(first["start_ts"])
    assert path is not None
    with zipfile.ZipFile(path) as archive:
        (line,) = archive.read("notes/documents.jsonl").decode().splitlines()
    second = export(livefile)

    assert json.loads(line)["n"] == 1.0
    assert livefile.transfers.find_export(second["start_ts"]) is not None
    assert second["start_ts"] == first["start_ts"] or not path.exists()


def test_files_go_with_the_deployment(tmp_path: Path) -> None:
    with Livefile.open(tmp_path / "live.db") as livefile:
        folder = livefile.transfers.folder
        export(livefile)
        assert list(folder.iterdir())

    assert not folder.exists()


def test_what_a_process_left_unfinished_has_failed_for_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "live.db-transfers").mkdir()
    (tmp_path / "live.db-transfers" / "half.zip").touch()
    with Livefile.open(tmp_path / "live.db") as livefile:
        assert list(livefile.transfers.folder.iterdir()) == []
        id = livefile._system.run("test", lambda tx: snapshot_transfers.begin_import(tx, {}))
        livefile._system.run("test", lambda tx: snapshot_transfers.begin_export(tx, {}))
    with Livefile.open(tmp_path / "live.db") as livefile:
        state = state_of(livefile, id, "failed")
        latest = livefile.query(EXPORT)

    assert state["error_message"] == "The server stopped before it was done"
    assert latest["state"] == "failed"
