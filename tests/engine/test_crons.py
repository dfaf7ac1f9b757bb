"""Cron jobs: how they are declared, how a deploy stores them, and when they run."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from livefile import App, AppError, Crons, DefinitionError, Livefile, ManualClock
from livefile.functions.definition import MutationFunction, QueryFunction
from livefile.system.cron_jobs import read_cron_jobs
from tests.app_folder import write_app
from tests.scheduled_app import ScheduledApp

TICK = """
    crons = Crons()
    crons.interval("tick", note, seconds=10, args={"text": "tick"})
"""


def sweep(ctx: object) -> None: ...


def look(ctx: object) -> None: ...


SWEEP: Any = MutationFunction(sweep, None, is_internal=False)
LOOK: Any = QueryFunction(look, None, is_internal=False)


def stored(livefile: Livefile) -> dict[str, dict[str, Any]]:
    """Return the stored jobs by name, without what every document has."""
    jobs = livefile._system.read(read_cron_jobs)
    return {
        str(job["identifier"]): {k: v for k, v in job.items() if not k.startswith("_")}
        for job in jobs
    }


# --- Declaring -----------------------------------------------------------------------------


def test_every_kind_has_the_schedule_of_the_protocol() -> None:
    crons = Crons()
    crons.interval("a", SWEEP, minutes=5)
    crons.hourly("b", SWEEP)
    crons.daily("c", SWEEP, hour_utc=3, minute_utc=15)
    crons.weekly("d", SWEEP, day_of_week="friday", hour_utc=4)
    crons.monthly("e", SWEEP, day=31, hour_utc=5)
    crons.cron("f", "*/5 * * * *", SWEEP)

    assert [definition.schedule for definition in crons.definitions.values()] == [
        {"type": "interval", "minutes": 5.0},
        {"type": "hourly", "minuteUTC": 0.0},
        {"type": "daily", "hourUTC": 3.0, "minuteUTC": 15.0},
        {"type": "weekly", "dayOfWeek": "friday", "hourUTC": 4.0, "minuteUTC": 0.0},
        {"type": "monthly", "day": 31.0, "hourUTC": 5.0, "minuteUTC": 0.0},
        {"type": "cron", "cron": "*/5 * * * *"},
    ]


BAD: list[tuple[Callable[[Crons], None], str]] = [
    (lambda c: c.interval("x", SWEEP), "want one of seconds, minutes and hours, got none"),
    (lambda c: c.interval("x", SWEEP, seconds=1, hours=1), "got seconds and hours"),
    (lambda c: c.interval("x", SWEEP, seconds=0), "seconds is 0, want a whole number of at least"),
    (lambda c: c.interval("x", SWEEP, seconds=1.5), "seconds is 1.5"),  # type: ignore[arg-type]
    (lambda c: c.hourly("x", SWEEP, minute_utc=60), "minute_utc is 60, want a whole number from 0"),
    (lambda c: c.daily("x", SWEEP, hour_utc=24), "hour_utc is 24"),
    (lambda c: c.daily("x", SWEEP, hour_utc=True), "hour_utc is True"),
    (
        lambda c: c.weekly("x", SWEEP, day_of_week="mon", hour_utc=1),  # type: ignore[arg-type]
        "day_of_week is 'mon'",
    ),
    (lambda c: c.monthly("x", SWEEP, day=32, hour_utc=1), "day is 32"),
    (lambda c: c.cron("x", "* * *", SWEEP), "cron job 'x': cron expression '* * *' has 3 fields"),
    (lambda c: c.hourly("", SWEEP), "a name is printable ASCII text"),
    (lambda c: c.hourly("träge", SWEEP), "cron job 'träge': a name is printable ASCII text"),
    (lambda c: c.hourly("x", LOOK), "got look, which is defined as Query."),
    (lambda c: c.hourly("x", "m:f"), "got str 'm:f'"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("declare", "text"), BAD, ids=[text for _, text in BAD])
def test_a_job_that_cannot_be_is_refused(declare: Callable[[Crons], None], text: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        declare(Crons())

    assert text in str(refused.value)


def test_a_name_is_registered_once() -> None:
    crons = Crons()
    crons.hourly("clean up", SWEEP)

    with pytest.raises(DefinitionError, match="Cron identifier registered twice: clean up"):
        crons.hourly("clean up", SWEEP)


def app_of(folder: Path, crons: str, more: str = "") -> App:
    functions = """
        from livefile import *

        @mutation
        def sweep(ctx: MutationCtx, days: int) -> None: ...
    """
    return App.load(write_app(folder, {"sweeping": functions, "crons": crons, "other": more}))


def test_two_modules_cannot_have_jobs_of_one_name(tmp_path: Path) -> None:
    crons = """
        from livefile import *
        from .sweeping import sweep
        crons = Crons()
        crons.hourly("sweep", sweep, args={"days": 3})
    """
    with pytest.raises(AppError, match="Cron identifier registered twice: sweep"):
        app_of(tmp_path, crons, crons)


def test_jobs_that_another_module_imports_are_found_once(tmp_path: Path) -> None:
    crons = """
        from livefile import *
        from .sweeping import sweep
        crons = Crons()
        crons.hourly("sweep", sweep, args={"days": 3})
    """
    app = app_of(tmp_path, crons, "from .crons import crons")

    assert list(app.crons) == ["sweep"]


def test_a_bad_expression_stops_the_code_from_being_loaded(tmp_path: Path) -> None:
    crons = """
        from livefile import *
        from .sweeping import sweep
        crons = Crons()
        crons.cron("sweep", "61 * * * *", sweep)
    """
    with pytest.raises(AppError, match=r"cron job 'sweep': cron expression '61 \* \* \* \*'"):
        app_of(tmp_path, crons)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ("{}", "missing the required field `days`"),
        ('{"days": "x"}', "sweep, argument days"),
        ('{"days": 1, "more": 2}', "sweep has no argument 'more'"),
    ],
)
def test_arguments_are_checked_at_the_deploy(tmp_path: Path, args: str, text: str) -> None:
    crons = f"""
        from livefile import *
        from .sweeping import sweep
        crons = Crons()
        crons.hourly("sweep", sweep, args={args})
    """
    with pytest.raises(AppError, match="cron job 'sweep'") as refused:
        Livefile.open(":memory:", app_of(tmp_path, crons), has_threads=False)

    assert text in str(refused.value)


# --- Deploying -----------------------------------------------------------------------------


def redeploy(app: ScheduledApp, old: str, new: str) -> None:
    file = next(path for path in app.app.source_files if path.name == "diary.py")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    app.livefile.deploy(app.livefile.app.reload())


def test_a_deploy_adds_changes_and_removes_jobs(tmp_path: Path) -> None:
    code = TICK + '    crons.hourly("strike", note, minute_utc=30, args={"text": "strike"})\n'
    with ScheduledApp(tmp_path, code) as app:
        app.settle()
        before = stored(app.livefile)
        app.clock.advance_ms(1)
        redeploy(app, '"text": "strike"', '"text": "gong"')
        app.settle()
        other_args = stored(app.livefile)
        redeploy(app, "minute_utc=30", "minute_utc=45")
        redeploy(app, 'crons.interval("tick"', 'crons.interval("tock"')
        after = stored(app.livefile)

    assert before.keys() == {"tick", "strike"}
    assert other_args["tick"] == before["tick"]
    assert other_args["strike"] == {**before["strike"], "args": [{"text": "gong"}]}
    assert after.keys() == {"tock", "strike"}
    moved_ms = after["strike"]["scheduledTime"] - before["strike"]["scheduledTime"]
    assert moved_ms == 15 * 60_000


def test_a_deploy_that_fails_leaves_the_jobs_as_they_were(tmp_path: Path) -> None:
    with ScheduledApp(tmp_path, TICK) as app:
        app.do("note_later", text="x")
        app.settle()
        before = stored(app.livefile)
        with pytest.raises(AppError, match="does not match the schema"):
            redeploy(app, "    text: str\n\nbegun", "    text: float\n\ncrons_off = None\nbegun")

        assert stored(app.livefile) == before


def test_jobs_are_not_for_apps_to_read(tmp_path: Path) -> None:
    code = (
        TICK
        + """
    @query
    def read_crons(ctx: QueryCtx) -> int:
        return len(ctx.db.system.query("_cron_jobs").collect())
    """
    )
    with ScheduledApp(tmp_path, code) as app:
        outcome = app.query("diary:read_crons")

    assert "there is no system table '_cron_jobs'" in str(outcome)


# --- Running -------------------------------------------------------------------------------


def test_an_interval_runs_at_the_deploy_and_then_on_its_beat(tmp_path: Path) -> None:
    with ScheduledApp(tmp_path, TICK) as app:
        app.settle()
        assert app.entries == ["tick"]
        app.advance(9.9)
        assert app.entries == ["tick"]
        app.advance(0.11)
        assert app.entries == ["tick"] * 2
        app.advance(10)
        assert app.entries == ["tick"] * 3


def test_what_was_missed_is_skipped_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ScheduledApp(tmp_path, TICK) as app, caplog.at_level(logging.WARNING, "livefile"):
        app.settle()
        app.advance(95)
        assert app.entries == ["tick"] * 2
        assert "cron job 'tick' runs 85 s late; what it missed meanwhile is skipped" in caplog.text
        app.advance(4.9)
        assert app.entries == ["tick"] * 2
        app.advance(0.11)

        assert app.entries == ["tick"] * 3


def test_a_clock_that_goes_back_runs_no_tick_twice(tmp_path: Path) -> None:
    with ScheduledApp(tmp_path, TICK) as app:
        app.settle()
        app.advance(10.001)
        app.clock.advance_ms(-3_600_000)
        for _ in range(50):
            app.advance(60)
        assert app.entries == ["tick"] * 2
        app.advance(3600 - 50 * 60 + 10)

        assert app.entries == ["tick"] * 3


def test_a_job_that_fails_runs_again_at_its_next_time(tmp_path: Path) -> None:
    code = """
    crons = Crons()
    crons.interval("fail", fail, seconds=10)
    """
    with ScheduledApp(tmp_path, code) as app:
        app.settle()
        app.advance(1)
        assert app.module["runs"] == ["fail"]
        app.advance(9.001)

        assert app.module["runs"] == ["fail"] * 2
        assert stored(app.livefile)["fail"]["state"] == {"kind": "pending"}


def test_one_run_of_a_job_at_a_time(tmp_path: Path) -> None:
    code = """
    crons = Crons()
    crons.interval("dictate", dictate_and_wait, seconds=1)
    """
    with ScheduledApp(tmp_path, code) as app:
        app.step_until(app.module["begun"].is_set)
        app.module["begun"].clear()
        app.advance(10)
        assert not app.module["begun"].is_set()
        assert stored(app.livefile)["dictate"]["state"]["kind"] == "inProgress"
        app.module["may_end"].set()
        app.step_until(lambda: len(app.entries) == 2)
        app.step_until(lambda: stored(app.livefile)["dictate"]["state"]["kind"] == "pending")
        app.clock.advance_ms(1_000)
        app.step_until(app.module["begun"].is_set)


def test_a_job_that_a_deploy_removes_while_it_runs_is_gone(tmp_path: Path) -> None:
    code = """
    crons = Crons()
    crons.interval("dictate", dictate_and_wait, seconds=1)
    """
    with ScheduledApp(tmp_path, code) as app:
        app.step_until(app.module["begun"].is_set)
        redeploy(app, 'crons.interval("dictate", dictate_and_wait, seconds=1)', "")
        app.module["may_end"].set()
        app.step_until(lambda: len(app.entries) == 2)
        app.step_until(lambda: not app.livefile.scheduler._runners[1]._running)

        assert stored(app.livefile) == {}


def test_a_restart_keeps_the_beat_and_runs_a_missed_tick_once(tmp_path: Path) -> None:
    file, clock = tmp_path / "diary.db", ManualClock()
    with ScheduledApp(tmp_path, TICK, path=file, clock=clock) as app:
        app.settle()
        loaded = app.app
    for pause_s, count in [(5, 1), (6, 2), (3600, 3), (1, 3)]:
        clock.advance_ms(pause_s * 1000)
        with Livefile.open(file, loaded, clock=clock, has_threads=False) as livefile:
            for _ in range(6):
                livefile.step()

            assert livefile.query("diary:entries") == ["tick"] * count


def test_an_action_that_was_cut_off_is_not_made_up_for(tmp_path: Path) -> None:
    code = """
    crons = Crons()
    crons.interval("dictate", dictate_and_wait, hours=1)
    """
    file, clock = tmp_path / "diary.db", ManualClock()
    with ScheduledApp(tmp_path, code, path=file, clock=clock) as app:
        app.step_until(app.module["begun"].is_set)
        loaded, begun = app.app, app.module["begun"]
        begun.clear()
    app.module["may_end"].set()  # For its thread, which nobody can cancel.
    clock.advance_ms(60_000)
    with Livefile.open(file, loaded, clock=clock, has_threads=False) as livefile:
        for _ in range(6):
            livefile.step()

        assert stored(livefile)["dictate"]["state"] == {"kind": "pending"}
        assert not begun.is_set()
