"""Actions that are scheduled: at most once each, whatever happens while they run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import Livefile, ManualClock, OverloadedError
from livefile.functions.actions import Actions
from livefile.vocabulary.limits import JOB_RETRY_MS_MIN
from tests.scheduled_app import ScheduledApp


@pytest.fixture
def app(tmp_path: Path) -> Iterator[ScheduledApp]:
    with ScheduledApp(tmp_path) as opened:
        yield opened


def test_an_action_runs_and_what_it_schedules_as_well(app: ScheduledApp) -> None:
    id = app.do("wait_later")
    app.step_until(app.module["begun"].is_set)
    state = app.ask("job", id=id)["state"]
    assert state["kind"] == "inProgress"
    assert len(state["requestId"]) == 16
    app.module["may_end"].set()
    app.step_until(lambda: len(app.entries) == 2)
    app.step_until(lambda: app.state(id)["kind"] != "inProgress")

    assert sorted(app.entries) == ["by its mutation", "by the action"]
    assert app.state(id) == {"kind": "success"}


def test_what_a_cancelled_action_still_schedules_is_cancelled_too(app: ScheduledApp) -> None:
    id = app.do("wait_later")
    app.step_until(app.module["begun"].is_set)
    app.do("cancel", id=id)
    app.module["may_end"].set()
    app.step_until(lambda: len(app.ask("jobs")) == 3)
    app.settle()

    assert [job["state"]["kind"] for job in app.ask("jobs")] == ["canceled"] * 3
    assert app.entries == []
    app.step_until(lambda: not app.livefile.scheduler._runners[0]._running)
    assert app.state(id) == {"kind": "canceled"}


def test_what_an_action_has_scheduled_stays_if_it_fails(app: ScheduledApp) -> None:
    id = app.do("stumble_later")
    app.step_until(lambda: app.state(id)["kind"] == "failed")
    app.settle()

    assert app.state(id)["error"].startswith("Uncaught ConvexError: fell\n")
    assert app.entries == ["before the fall"]


def test_an_action_that_was_cancelled_before_it_began_never_does(app: ScheduledApp) -> None:
    id = app.do("dictate_later", text="x", delay=1)
    app.clock.advance_ms(1000)
    app.submit(None, "diary:cancel", {"id": id})
    app.settle()

    assert app.state(id) == {"kind": "canceled"}
    assert app.module["runs"] == []


def test_an_action_waits_while_too_many_run(
    app: ScheduledApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = app.do("dictate_later", text="x")

    def refuse(actions: Actions, call: object, done: object) -> None:
        raise OverloadedError("TooManyConcurrentRequests", "too many")

    with monkeypatch.context() as patch:
        patch.setattr(Actions, "submit", refuse)
        app.settle()
    assert app.state(id) == {"kind": "inProgress"}
    app.advance((JOB_RETRY_MS_MIN + 1) / 1000)
    app.step_until(lambda: app.state(id)["kind"] == "success")

    assert app.module["runs"] == ["x"]


def test_an_action_that_was_cut_off_has_failed_and_is_not_run_again(tmp_path: Path) -> None:
    file, clock = tmp_path / "diary.db", ManualClock()
    with ScheduledApp(tmp_path, path=file, clock=clock) as app:
        id = app.do("wait_later")
        app.step_until(app.module["begun"].is_set)
        loaded, begun = app.app, app.module["begun"]
        begun.clear()
    app.module["may_end"].set()  # For its thread, which nobody can cancel.
    with Livefile.open(file, loaded, clock=clock, has_threads=False) as livefile:
        for _ in range(5):
            livefile.step()
        state = livefile.query("diary:job", id=id)["state"]

        assert state == {"kind": "failed", "error": "Transient error while executing action"}
        assert not begun.is_set()
