import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import CallProgress, CallRecord, FunctionKind, SystemClock
from livefile_server.web.call_counts import CallCounts
from livefile_server.web.call_history import CallHistory, Page
from livefile_server.web.log_stream import entry_of
from livefile_server.web.mailbox import Mailbox
from tests.server.observed_app import admin, observed_server
from tests.server.running_server import WAIT_S, RunningServer

STREAM = "/api/stream_function_logs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with observed_server(tmp_path_factory.mktemp("shop"), redacts_errors=True) as running:
        yield running


def poll(server: RunningServer, cursor: object) -> Any:
    return server.request("GET", f"{STREAM}?cursor={cursor}", headers=admin(server)).json


def entries_of(server: RunningServer, kind: str, path: str, args: object) -> list[Any]:
    """Call a function and return what the log says of it."""
    cursor = poll(server, 0)["newCursor"]
    server.post(f"/api/{kind}", {"path": path, "args": args})
    entries: list[Any] = poll(server, cursor)["entries"]
    return entries


def test_a_call_is_one_entry_with_what_it_did(server: RunningServer) -> None:
    (entry,) = entries_of(server, "mutation", "shop:order", {"item": "tea"})

    assert entry["kind"] == "Completion"
    assert (entry["udfType"], entry["identifier"]) == ("Mutation", "shop:order")
    assert entry["logLines"] == ["[LOG] CANARY-printed-by-mutation"]
    assert entry["error"] is None
    assert entry["identityType"] == "unknown"
    assert entry["usageStats"]["databaseWriteDocuments"] == 1
    assert entry["usageStats"]["databaseWriteBytes"] > 0
    assert entry["executionTime"] > 0
    assert entry["timestamp"] > entry["executionTimestamp"] > 1_600_000_000
    assert len(entry["requestId"]) == 16


def test_the_log_has_all_of_an_error_that_clients_do_not_see(server: RunningServer) -> None:
    (entry,) = entries_of(server, "query", "shop:fail_query", {})

    assert entry["error"].startswith(f"[Request ID: {entry['requestId']}] Server Error\n")
    assert "CANARY-in-query-error" in entry["error"]
    assert entry["logLines"] == ["[LOG] CANARY-printed-by-failure"]


def test_a_query_from_the_cache_says_so(server: RunningServer) -> None:
    first = entries_of(server, "query", "shop:address", {})
    (second,) = entries_of(server, "query", "shop:address", {})

    assert len(first) == 1
    assert second["cachedResult"] is True
    assert second["usageStats"]["databaseReadDocuments"] == 0


def test_who_called_is_told_by_kind_only(server: RunningServer) -> None:
    cursor = poll(server, 0)["newCursor"]
    server.post("/api/mutation", {"path": "shop:order", "args": {"item": "x"}}, admin(server))
    (entry,) = poll(server, cursor)["entries"]

    assert entry["identityType"] == "instance_admin"


def test_an_action_and_what_it_calls_are_entries(server: RunningServer) -> None:
    (entry,) = entries_of(server, "action", "shop:fail_action", {})

    assert (entry["udfType"], entry["logLines"]) == ("Action", ["[LOG] CANARY-printed-by-action"])
    assert entry["executionTimestamp"] > 1_600_000_000


def test_an_action_that_runs_is_told_of_and_its_end_has_the_other_lines() -> None:
    lines = ("[LOG] one", "[LOG] two")
    progress = CallProgress("a:work", "0123456789abcdef", 10**18, lines[:1])
    record = CallRecord("a:work", FunctionKind.ACTION, "0123456789abcdef", 1.0, lines, lines_told=1)

    async def entries() -> list[dict[str, Any]]:
        history = CallHistory(
            Mailbox(asyncio.get_running_loop()), SystemClock().now_ns, CallCounts()
        )
        history.add(progress)
        history.add(record)
        return [entry_of(each) for each in history.newest().records]

    first, second = asyncio.run(entries())

    assert (first["kind"], first["logLines"]) == ("Progress", ["[LOG] one"])
    assert (second["kind"], second["logLines"]) == ("Completion", ["[LOG] two"])


@pytest.mark.parametrize("cursor", ["", "x", "-1", "nan", "inf"])
def test_a_cursor_must_be_one(server: RunningServer, cursor: str) -> None:
    answer = server.request("GET", f"{STREAM}?cursor={cursor}", headers=admin(server))

    assert (answer.status, answer.json["code"]) == (400, "InvalidCursor")


def test_only_an_admin_reads_the_log(server: RunningServer) -> None:
    answer = server.request("GET", STREAM)

    assert (answer.status, answer.json["code"]) == (401, "BadAdminKey")


def test_a_reader_that_waits_does_not_hold_the_end_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    after = CallHistory.after

    async def noted_after(history: CallHistory, cursor_ms: float) -> Page:
        waits.set()
        return await after(history, cursor_ms)

    monkeypatch.setattr(CallHistory, "after", noted_after)
    with observed_server(tmp_path, redacts_errors=True) as running:
        cursor = poll(running, 0)["newCursor"]
        answers: list[Any] = []
        reader = threading.Thread(target=lambda: answers.append(poll(running, cursor)))
        reader.start()
        assert waits.wait(WAIT_S)
        running.stop()
        reader.join(WAIT_S)

    assert answers == [{"entries": [], "newCursor": cursor}]
