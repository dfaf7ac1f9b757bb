import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import CallRecord, Livefile
from livefile.functions.call_log import CallLog
from livefile.vocabulary.limits import LOG_LINE_BYTES_MAX, LOG_LINES_MAX
from tests.app_folder import write_app
from tests.stepped_app import SteppedApp

TALK = """
    import io
    import logging
    import sys
    from livefile import *

    log = logging.getLogger(__name__)
    child = logging.getLogger(__name__ + ".child")

    class Word(Table, name="words"):
        text: str

    @query
    def say(ctx: QueryCtx) -> str:
        print("one", 2, None, [3.5])
        print("a", "b", sep="-", end="!")
        print()
        print("to stderr", file=sys.stderr)
        print("to stdout", file=sys.stdout, flush=True)
        return "said"

    @query
    def log_all(ctx: QueryCtx) -> None:
        log.setLevel(logging.DEBUG)
        log.debug("debug %d", 1)
        log.info("info %s", "x")
        log.warning("warning")
        log.error("error")
        log.critical("critical")
        child.info("from a child")
        log.setLevel(logging.NOTSET)
        log.debug("not shown")

    @query
    def log_failure(ctx: QueryCtx) -> None:
        try:
            raise KeyError("lost")
        except KeyError:
            log.exception("caught")

    @query
    def log_badly(ctx: QueryCtx) -> str:
        log.info("%d", "no number")
        return "went on"

    @query
    def print_to_file(ctx: QueryCtx) -> str:
        file = io.StringIO()
        print("inside", file=file)
        return file.getvalue()

    @query
    def repeat(ctx: QueryCtx, count: int) -> None:
        for number in range(count):
            print(number)

    @query
    def print_long(ctx: QueryCtx, text: str, count: int) -> None:
        print(text * count)

    @query
    def fail(ctx: QueryCtx) -> None:
        print("before")
        raise ValueError("after")

    @mutation
    def write(ctx: MutationCtx, text: str) -> None:
        print("writing", text)
        ctx.run_query(say)
        ctx.db.insert(Word(text=text))

    @action
    async def act(ctx: ActionCtx) -> None:
        print("in an action")
        log.warning("still there")
        await ctx.run_mutation(write, text="x")

    def helper() -> None:
        print("from a helper")
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"talk": TALK}) as stepped:
        yield stepped


def test_what_is_printed_becomes_log_lines(
    app: SteppedApp, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = app.query("talk:say")

    assert outcome.log_lines == (
        "[LOG] one 2 None [3.5]",
        "[LOG] a-b",
        "[LOG] ",
        "[ERROR] to stderr",
        "[LOG] to stdout",
    )
    assert capsys.readouterr() == ("", "")


def test_what_is_logged_becomes_log_lines_with_its_level(app: SteppedApp) -> None:
    assert app.query("talk:log_all").log_lines == (
        "[DEBUG] debug 1",
        "[INFO] info x",
        "[WARN] warning",
        "[ERROR] error",
        "[ERROR] critical",
        "[INFO] from a child",
    )


def test_a_logged_exception_shows_its_traceback(app: SteppedApp) -> None:
    (line,) = app.query("talk:log_failure").log_lines

    assert line.startswith("[ERROR] caught\nTraceback (most recent call last):")
    assert line.endswith("KeyError: 'lost'")


def test_what_is_printed_to_a_file_of_the_function_goes_there(app: SteppedApp) -> None:
    outcome = app.query("talk:print_to_file")

    assert getattr(outcome, "json", b"") == b'"inside\\n"'
    assert outcome.log_lines == ()


def test_a_failure_has_the_lines_that_came_before_it(app: SteppedApp) -> None:
    assert app.query("talk:fail").log_lines == ("[LOG] before",)


def test_nested_calls_write_into_the_log_of_the_call(app: SteppedApp) -> None:
    lines = app.mutate("talk:write", text="x").log_lines

    assert lines[:2] == ("[LOG] writing x", "[LOG] one 2 None [3.5]")
    assert len(lines) == 6


def test_a_cached_result_keeps_its_lines(app: SteppedApp) -> None:
    first, second = app.query("talk:say"), app.query("talk:say")

    assert second.log_lines == first.log_lines
    assert app.runs[0].log_lines == first.log_lines


def test_an_action_has_its_own_lines_and_not_those_of_its_mutations(tmp_path: Path) -> None:
    with Livefile.open(":memory:", write_app(tmp_path, {"talk": TALK})) as livefile:
        records: list[CallRecord] = []
        livefile.observe_calls(records.append)
        livefile.action("talk:act")
    runs = {record.path: record for record in records}

    assert runs["talk:act"].log_lines == ("[LOG] in an action", "[WARN] still there")
    assert runs["talk:write"].log_lines[0] == "[LOG] writing x"


def test_256_lines_are_kept_and_the_last_one_says_that_more_were_lost(app: SteppedApp) -> None:
    below = app.query("talk:repeat", count=LOG_LINES_MAX - 1).log_lines
    above = app.query("talk:repeat", count=LOG_LINES_MAX + 100).log_lines

    assert below[-1] == f"[LOG] {LOG_LINES_MAX - 2}"
    assert len(above) == LOG_LINES_MAX
    assert above[-2] == f"[LOG] {LOG_LINES_MAX - 2}"
    assert above[-1].startswith(f"[ERROR] Log overflow (maximum {LOG_LINES_MAX})")


@pytest.mark.parametrize("text", ["x", "é", "語", "\N{SNAKE}"])
def test_a_line_of_32_kib_is_cut_and_says_so(app: SteppedApp, text: str) -> None:
    (line,) = app.query("talk:print_long", text=text, count=LOG_LINE_BYTES_MAX).log_lines
    size = len(line.encode())

    assert LOG_LINE_BYTES_MAX - 4 < size <= LOG_LINE_BYTES_MAX
    assert line.startswith(f"[LOG] {text}")
    assert line.endswith(f"{text} (truncated due to length)")


@given(st.text(st.characters(), max_size=60), st.integers(LOG_LINE_BYTES_MAX - 40, 33_000))
def test_a_line_is_valid_and_within_its_size_whatever_is_in_it(text: str, length: int) -> None:
    log = CallLog()
    log.add("LOG", "x" * length + text)

    (line,) = log.lines
    assert len(line.encode()) <= LOG_LINE_BYTES_MAX


def test_a_line_that_just_fits_is_not_cut() -> None:
    log = CallLog()
    log.add("LOG", "x" * (LOG_LINE_BYTES_MAX - len("[LOG] ")))

    assert not log.lines[0].endswith("(truncated due to length)")


def test_a_bad_log_call_is_no_reason_to_fail(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(app.app.name), "propagate", False)  # Not to pytest.
    outcome = app.query("talk:log_badly")

    assert getattr(outcome, "json", b"") == b'"went on"'
    (line,) = outcome.log_lines
    assert line.startswith("[INFO] ")
    assert "%d" in line


def test_outside_of_calls_print_and_logging_go_where_they_always_do(
    app: SteppedApp, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    helpers = app.app.functions["talk:say"].body.__globals__
    helpers["helper"]()
    helpers["log"].warning("outside")

    assert capsys.readouterr().out == "from a helper\n"
    assert caplog.messages == ["outside"]


def test_handlers_of_the_process_hear_the_records_too(
    app: SteppedApp, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        app.query("talk:log_failure")

    assert caplog.messages == ["caught"]


def test_a_reload_does_not_double_the_lines(tmp_path: Path) -> None:
    with Livefile.open(":memory:", write_app(tmp_path, {"talk": TALK})) as livefile:
        runs: list[CallRecord] = []
        livefile.observe_calls(runs.append)
        livefile.deploy(livefile.app.reload())
        livefile.query("talk:log_failure")

    assert len(runs[-1].log_lines) == 1
