"""Running what is scheduled: when, how often, and what becomes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import DiskFullError, Livefile, ManualClock
from livefile.sqlite.connections import Connections
from livefile.vocabulary.limits import (
    FINISHED_JOB_AGE_MS_MAX,
    JOB_ERROR_LENGTH_MAX,
    JOB_RETRY_MS_MIN,
    JOBS_REMOVED_MAX,
    JOBS_RUNNING_MAX,
)
from tests.scheduled_app import ScheduledApp

WEEK_S = FINISHED_JOB_AGE_MS_MAX / 1000


@pytest.fixture
def app(tmp_path: Path) -> Iterator[ScheduledApp]:
    with ScheduledApp(tmp_path) as opened:
        yield opened


def test_a_function_runs_when_it_is_due_and_not_before(app: ScheduledApp) -> None:
    id = app.do("note_later", text="milk", delay=10)
    app.advance(9.999)
    assert app.entries == []
    app.advance(0.002)

    assert app.entries == ["milk"]
    assert app.state(id) == {"kind": "success"}
    assert app.ask("job", id=id)["completedTime"] >= app.ask("job", id=id)["scheduledTime"]


def test_without_a_delay_it_runs_as_soon_as_the_mutation_has_committed(app: ScheduledApp) -> None:
    app.do("note_later", text="now")
    app.settle()

    assert app.entries == ["now"]


def test_functions_run_in_the_order_in_which_they_are_due(app: ScheduledApp) -> None:
    for delay in (3, 1, 2):
        app.do("note_later", text=f"after {delay}", delay=delay)
    app.advance(5)

    assert app.module["noted"] == ["after 1", "after 2", "after 3"]


def test_more_than_run_at_one_time_all_run_once(app: ScheduledApp) -> None:
    texts = [str(number) for number in range(3 * JOBS_RUNNING_MAX + 1)]
    for text in texts:
        app.do("note_later", text=text, delay=1)
    app.advance(1.001)

    assert sorted(app.entries) == sorted(texts)


def test_the_engine_says_when_it_has_work_next(app: ScheduledApp) -> None:
    app.settle()
    now_ns = app.clock.now_ns()
    app.do("note_later", text="x", delay=5)
    due_ns = app.livefile._driver.next_due_ns

    assert due_ns is not None
    app.clock.set_ns(due_ns)
    app.settle()
    assert app.entries == ["x"]
    assert 0 <= due_ns - now_ns - 5_000_000_000 < 10_000


def test_a_failure_is_kept_with_its_text_and_is_final(app: ScheduledApp) -> None:
    id = app.do("fail_later")
    app.settle()
    app.advance(100_000)

    state = app.state(id)
    assert state["kind"] == "failed"
    assert state["error"].startswith("Uncaught ConvexError: no ink\n")
    assert app.module["runs"] == ["fail"]
    assert app.entries == []


def test_a_live_query_sees_every_state(app: ScheduledApp) -> None:
    client = app.client()
    client.watch(1, "diary:jobs")
    app.do("note_later", text="x", delay=1)
    app.settle()
    assert [job["state"]["kind"] for job in client.value(1)] == ["pending"]
    app.advance(1.001)

    assert [job["state"]["kind"] for job in client.value(1)] == ["success"]


def test_a_cancelled_function_never_runs(app: ScheduledApp) -> None:
    id = app.do("note_later", text="x", delay=5)
    app.do("cancel", id=id)
    app.advance(10)

    assert app.entries == []
    assert app.state(id) == {"kind": "canceled"}
    assert app.ask("job", id=id)["completedTime"] > 0


def test_a_cancel_that_comes_before_the_run_in_the_same_group_wins(app: ScheduledApp) -> None:
    id = app.do("note_later", text="x", delay=5)
    app.clock.advance_ms(5000)
    # Submitted first, so that it stands before the job in the queue.
    app.submit(None, "diary:cancel", {"id": id})
    app.settle()

    assert app.entries == []
    assert app.state(id) == {"kind": "canceled"}


def test_cancelling_what_is_over_changes_nothing(app: ScheduledApp) -> None:
    id = app.do("note_later", text="x")
    app.settle()
    before = app.ask("job", id=id)
    app.advance(1.001)
    app.do("cancel", id=id)

    assert app.ask("job", id=id) == before


def test_a_mutation_sees_its_own_job_in_progress_and_may_cancel_it(tmp_path: Path) -> None:
    code = """
    @mutation
    def look_at_oneself(ctx: MutationCtx) -> None:
        (job,) = ctx.db.system.query("_scheduled_functions").collect()
        ctx.db.insert(Entry(text=job["state"]["kind"]))
        ctx.scheduler.cancel(job["_id"])
        ctx.scheduler.run_after(0, note, text="never")

    @mutation
    def look_later(ctx: MutationCtx) -> str:
        return ctx.scheduler.run_after(0, look_at_oneself)
    """
    with ScheduledApp(tmp_path, code) as app:
        id = app.do("look_later")
        app.settle()

        assert app.entries == ["inProgress"]
        assert app.state(id) == {"kind": "canceled"}
        assert [job["state"]["kind"] for job in app.ask("jobs")] == ["canceled", "canceled"]


def test_a_function_that_is_gone_or_of_another_kind_by_then_fails(tmp_path: Path) -> None:
    code = """
    @mutation
    def old(ctx: MutationCtx) -> None: ...

    @mutation
    def changed(ctx: MutationCtx) -> None: ...

    @mutation
    def schedule_both(ctx: MutationCtx) -> None:
        ctx.scheduler.run_after(5, old)
        ctx.scheduler.run_after(6, changed)
    """
    with ScheduledApp(tmp_path, code) as app:
        app.do("schedule_both")
        file = next(path for path in app.app.source_files if path.name == "diary.py")
        text = file.read_text().replace("def old(", "def other(")
        text = text.replace(
            "@mutation\ndef changed(ctx: MutationCtx", "@query\ndef changed(ctx: QueryCtx"
        )
        text = text[: text.index("@mutation\ndef schedule_both")]
        file.write_text(text)
        app.livefile.deploy(app.app.reload())
        app.advance(6)

        gone, changed = (job["state"] for job in app.ask("jobs"))
        assert gone["kind"] == changed["kind"] == "failed"
        assert gone["error"] == "Could not find public function for 'diary:old'."
        assert "Trying to execute diary.js:changed as Mutation" in changed["error"]


def test_a_long_text_of_an_error_is_cut(tmp_path: Path) -> None:
    code = """
    @mutation
    def shout(ctx: MutationCtx, text: str) -> None:
        raise ValueError("\\N{GRINNING FACE}" * 1_000_000)

    @mutation
    def shout_later(ctx: MutationCtx) -> str:
        return ctx.scheduler.run_after(0, shout, text="x" * 980_000)
    """
    with ScheduledApp(tmp_path, code) as app:
        id = app.do("shout_later")
        app.settle()

        assert len(app.state(id)["error"]) == JOB_ERROR_LENGTH_MAX


# --- Errors that are not the function's ----------------------------------------------------


def test_a_mutation_is_tried_again_while_the_disk_is_full(
    app: ScheduledApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.do("note_later", text="x", delay=1)
    app.clock.advance_ms(1000)
    commit, commits = Connections.commit, []

    def full(connections: Connections) -> None:
        commits.append(0)
        raise DiskFullError("full")

    monkeypatch.setattr(Connections, "commit", full)
    app.settle()
    tried_at_first = len(commits)
    app.advance((JOB_RETRY_MS_MIN + 1) / 1000)
    monkeypatch.setattr(Connections, "commit", commit)
    assert app.entries == []
    app.advance((JOB_RETRY_MS_MIN * 2 + 1) / 1000)

    assert app.entries == ["x"]
    assert tried_at_first == 1
    assert len(commits) == 2


# --- Clocks and restarts -------------------------------------------------------------------


def test_a_clock_that_jumps_forward_makes_all_due_once(app: ScheduledApp) -> None:
    for delay in (60, 1800, 3600):
        app.do("note_later", text=str(delay), delay=delay)
    app.advance(2 * 3600)
    app.advance(2 * 3600)

    assert app.module["noted"] == ["60", "1800", "3600"]


def test_a_clock_that_jumps_back_loses_nothing_and_repeats_nothing(app: ScheduledApp) -> None:
    app.do("note_later", text="before", delay=1)
    app.advance(1.001)
    app.do("note_later", text="later", delay=10)
    app.clock.advance_ms(-3_600_000)
    app.settle()
    app.do("note_later", text="at once")
    app.settle()
    assert app.entries == ["before", "at once"]
    app.advance(3600 + 10.001)

    assert app.entries == ["before", "at once", "later"]


def test_what_was_due_while_nobody_ran_it_runs_at_the_next_start(tmp_path: Path) -> None:
    file, clock = tmp_path / "diary.db", ManualClock()
    with ScheduledApp(tmp_path, path=file, clock=clock) as app:
        app.do("note_later", text="x", delay=60)
        loaded = app.app
    clock.advance_ms(3_600_000)
    with Livefile.open(file, loaded, clock=clock, has_threads=False) as livefile:
        for _ in range(5):
            livefile.step()

        assert livefile.query("diary:entries") == ["x"]


def test_without_a_scheduler_nothing_runs_until_it_is_started(tmp_path: Path) -> None:
    with ScheduledApp(tmp_path) as app:
        loaded = app.app
    with Livefile.open(":memory:", loaded, has_threads=False, has_scheduler=False) as livefile:
        livefile.mutation("diary:note_later", text="x")
        for _ in range(5):
            livefile.step()
        assert livefile.query("diary:entries") == []
        livefile.scheduler.start()
        for _ in range(5):
            livefile.step()

        assert livefile.query("diary:entries") == ["x"]


def test_a_file_that_is_opened_without_an_app_keeps_what_is_scheduled(tmp_path: Path) -> None:
    file, clock = tmp_path / "diary.db", ManualClock()
    with ScheduledApp(tmp_path, path=file, clock=clock) as app:
        app.do("note_later", text="x", delay=1)
        loaded = app.app
    clock.advance_ms(5000)
    with Livefile.open(file, clock=clock, has_threads=False) as livefile:
        livefile.step()
    with Livefile.open(file, loaded, clock=clock, has_threads=False) as livefile:
        for _ in range(5):
            livefile.step()

        assert livefile.query("diary:entries") == ["x"]


def test_a_deployment_with_threads_wakes_itself(tmp_path: Path) -> None:
    with ScheduledApp(tmp_path) as app:
        loaded = app.app
    with Livefile.open(":memory:", loaded) as livefile, livefile.watch("diary:entries") as watch:
        livefile.mutation("diary:note_later", text="x", delay=0.01)

        assert next(entries for entries in watch if entries) == ["x"]


# --- Old ones ------------------------------------------------------------------------------


def test_what_is_over_is_forgotten_after_a_week(app: ScheduledApp) -> None:
    app.do("note_later", text="first")
    app.settle()
    app.advance(3600)
    cancelled = app.do("note_later", text="second", delay=60)
    app.do("cancel", id=cancelled)
    waiting = app.do("note_later", text="third", delay=30 * 24 * 3600)
    app.advance(WEEK_S - 3600 - 1)
    assert len(app.ask("jobs")) == 3
    app.advance(2)
    assert len(app.ask("jobs")) == 2
    app.advance(3600)

    assert [job["_id"] for job in app.ask("jobs")] == [waiting]


def test_many_old_ones_are_forgotten_in_batches(tmp_path: Path) -> None:
    code = """
    @mutation
    def schedule_many(ctx: MutationCtx, count: int) -> None:
        for _ in range(count):
            ctx.scheduler.cancel(ctx.scheduler.run_after(60, note, text="x"))
    """
    with ScheduledApp(tmp_path, code) as app:
        app.do("schedule_many", count=2 * JOBS_REMOVED_MAX + 1)
        app.advance(WEEK_S + 1)

        assert app.ask("jobs") == []
