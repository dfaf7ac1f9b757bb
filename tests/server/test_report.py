import io
from datetime import datetime
from pathlib import Path

from rich.console import Console

from livefile import CallProgress, CallRecord, DeployProgress, DeployStage, FunctionKind
from livefile_server.dev.report import Report


def record(
    kind: FunctionKind,
    duration_ms: float,
    log_lines: tuple[str, ...] = (),
    error: str | None = None,
    is_cached: bool = False,
) -> CallRecord:
    return CallRecord(
        path="messages:send",
        kind=kind,
        request_id="0123456789abcdef",
        duration_ms=duration_ms,
        log_lines=log_lines,
        error=error,
        is_cached=is_cached,
    )


def told(call: CallRecord) -> str:
    """Return what a report of one call looks like in a file."""
    output = io.StringIO()
    Report(Console(file=output, width=40)).call(call)
    return output.getvalue()


def test_a_call_is_one_line_with_its_kind_and_duration() -> None:
    assert told(record(FunctionKind.MUTATION, 1.2345)) == "mutation messages:send  1.2 ms\n"


def test_log_lines_and_the_error_follow_and_are_never_cut_or_read_as_markup() -> None:
    call = record(
        FunctionKind.ACTION,
        0.04,
        log_lines=("[LOG] [bold]not bold[/bold] " + "x" * 100, "[LOG] two\nlines"),
        error="[Request ID: 1] Server Error\nUncaught ValueError: [red]no[/red]",
    )

    assert told(call) == (
        "action   messages:send  0.0 ms\n"
        f"  [LOG] [bold]not bold[/bold] {'x' * 100}\n"
        "  [LOG] two\n  lines\n"
        "  [Request ID: 1] Server Error\n  Uncaught ValueError: [red]no[/red]\n"
    )


def test_what_an_action_logs_while_it_runs_is_told_with_the_time() -> None:
    output = io.StringIO()
    now = datetime(2026, 1, 2, 3, 4, 5)
    progress = CallProgress("a:b", "", round(now.timestamp()) * 10**9, ("[LOG] one",))

    Report(Console(file=output)).progress(progress)

    assert output.getvalue() == "2026-01-02 03:04:05 action   a:b  still runs\n  [LOG] one\n"


def test_a_query_that_did_not_run_says_so() -> None:
    call = record(FunctionKind.QUERY, 0.0, is_cached=True)

    assert told(call) == "query    messages:send  cached\n"


def test_types_are_told_only_if_some_were_written() -> None:
    output = io.StringIO()
    report = Report(Console(file=output, width=40))

    report.types_written([])
    report.types_written([Path("web/api.d.ts"), Path("web/dataModel.d.ts")])

    assert output.getvalue() == "Types written to web: api.d.ts, dataModel.d.ts.\n"


def test_a_deploy_is_told_while_it_is_not_done_with_a_table() -> None:
    output = io.StringIO()
    report = Report(Console(file=output, width=40))
    for done in (500, 1_000, 1_200):
        report.deploying(
            DeployProgress(stage=DeployStage.CHECK, table="messages", done=done, count=1_200)
        )

    assert output.getvalue() == (
        "Deploying, checking documents of messages: 500 of 1,200\n"
        "Deploying, checking documents of messages: 1,000 of 1,200\n"
    )
