import io
import json
import logging
import threading

import pytest

from livefile import CallProgress, CallRecord, FunctionKind, limits
from livefile_server.settings.call_entry import call_entry, call_record, progress_entry
from livefile_server.settings.call_writer import CallWriter
from livefile_server.settings.log import JsonFormatter, LineFormatter


def log_record(message: str, error: BaseException | None = None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("livefile", logging.ERROR, "a.py", 1, message, (), info)


def call(**fields: object) -> CallRecord:
    return CallRecord(
        path="messages:send",
        kind=FunctionKind.MUTATION,
        request_id="0123456789abcdef",
        duration_ms=2.5,
        started_ns=1_700_000_000_500_000_000,
        **fields,  # type: ignore[arg-type]  # Each test knows what it gives.
    )


# --- The server's own log ----------------------------------------------------------------------


def test_a_message_forges_no_line_and_reaches_no_terminal() -> None:
    formatter = LineFormatter("%(levelname)s %(name)s: %(message)s")
    shown = formatter.format(log_record("bad\r\nERROR livefile: forged\x1b[2J"))

    assert shown == "ERROR livefile: bad\n  ERROR livefile: forged\\x1b[2J"


def test_a_traceback_is_indented_and_escaped() -> None:
    shown = LineFormatter("%(message)s").format(log_record("it failed", ValueError("x\x1b[2J\ny")))

    assert shown == "it failed\n  ValueError: x\\x1b[2J\n  y"


def test_json_is_one_object_on_one_line_whatever_is_in_it() -> None:
    shown = JsonFormatter().format(log_record("bad\r\n\ud800\x1b", ValueError("why\nnot")))
    entry = json.loads(shown)

    assert "\n" not in shown
    assert (entry["kind"], entry["level"], entry["logger"]) == ("Log", "ERROR", "livefile")
    assert entry["message"] == "bad\r\n?\x1b"
    assert "ValueError: why\nnot" in entry["traceback"]


# --- Calls ------------------------------------------------------------------------------------


def test_an_entry_has_the_names_of_the_protocol() -> None:
    entry = call_entry(
        call(documents_read=2, bytes_read=30, documents_written=1, bytes_written=20, retries=3)
    )

    assert entry["kind"] == "Completion"
    assert (entry["udfType"], entry["identifier"]) == ("Mutation", "messages:send")
    assert (entry["executionTimestamp"], entry["timestamp"]) == (
        1_700_000_000.5,
        1_700_000_000.5025,
    )
    assert entry["executionTime"] == 0.0025
    assert entry["usageStats"] == {
        "databaseReadDocuments": 2,
        "databaseReadBytes": 30,
        "databaseWriteDocuments": 1,
        "databaseWriteBytes": 20,
    }
    assert (entry["retries"], entry["error"], entry["logLines"]) == (3, None, [])


def test_what_people_are_shown_survives_the_way_over_json() -> None:
    sent = call(log_lines=("[LOG] a",), error="it failed", documents_read=4, retries=1)
    found = call_record(json.loads(json.dumps(call_entry(sent))))

    assert isinstance(found, CallRecord)
    assert (found.path, found.kind, found.duration_ms) == (sent.path, sent.kind, sent.duration_ms)
    assert (found.log_lines, found.error, found.documents_read) == (("[LOG] a",), "it failed", 4)
    assert found.started_ns == sent.started_ns


def test_what_an_action_has_logged_survives_the_way_over_json() -> None:
    sent = CallProgress("limits|lib:check", "0123456789abcdef", 1_700_000_000_500_000_000, ("a",))
    entry = progress_entry(sent)

    assert (entry["kind"], entry["udfType"], entry["componentPath"]) == (
        "Progress",
        "Action",
        "limits",
    )
    assert call_record(json.loads(json.dumps(entry))) == sent


def test_an_http_action_tells_the_status_of_its_response() -> None:
    hook = CallRecord("POST /hooks", FunctionKind.ACTION, "", 1.0, http_status=201)
    entry = call_entry(hook)

    assert (entry["udfType"], entry["success"]) == ("HttpAction", {"status": "201"})
    assert call_entry(call())["success"] is None


def test_each_call_is_a_line_of_json() -> None:
    stream = io.BytesIO()
    writer = CallWriter(stream)
    for number in range(3):
        writer.write(call(log_lines=(f"[LOG] {number}\n\x1b",)))
    writer.close()
    lines = stream.getvalue().splitlines()

    assert [json.loads(line)["logLines"] for line in lines] == [
        [f"[LOG] {number}\n\x1b"] for number in range(3)
    ]
    assert b"\x1b" not in stream.getvalue()


class SlowStream(io.BytesIO):
    """Takes nothing before ``go`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.is_asked = threading.Event()

    def write(self, data: object) -> int:
        self.is_asked.set()
        self.go.wait()
        return super().write(data)  # type: ignore[arg-type]  # Bytes.


def test_a_slow_reader_loses_calls_and_is_told_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLS_UNWRITTEN_MAX", 2)
    stream = SlowStream()
    writer = CallWriter(stream)
    writer.write(call())
    stream.is_asked.wait()
    for _ in range(5):
        writer.write(call())
    stream.go.set()
    writer.close()
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]

    assert [entry["kind"] for entry in entries] == [
        "Completion",
        "Completion",
        "Lost",
        "Completion",
    ]
    assert entries[2]["calls"] == 3


def test_a_stream_that_nobody_reads_is_given_up() -> None:
    stream = io.BytesIO()
    stream.close()
    writer = CallWriter(stream)
    writer.write(call())
    writer.write(call())
    writer.close()

    assert not writer._thread.is_alive()
