"""The engine is woken at a time of its clock, and does what is due then."""

import threading
from pathlib import Path

import pytest

from livefile import Livefile, ManualClock, SystemClock
from livefile.vocabulary import limits
from livefile.workers import alarm
from livefile.workers.alarm import Alarm

WAIT_S = 30.0
SECOND_NS = 1_000_000_000


@pytest.fixture(autouse=True)
def light_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a clock that is moved by hand is soon looked at again."""
    assert limits.ALARM_SLEEP_MS_MAX > 1
    monkeypatch.setattr(alarm, "ALARM_SLEEP_MS_MAX", 1)


def test_an_alarm_wakes_when_its_clock_gets_there() -> None:
    clock, woken = ManualClock(), threading.Event()
    bell = Alarm(clock, woken.set)
    bell.set(clock.now_ns() + 3600 * SECOND_NS)
    assert not woken.wait(0.05)

    clock.advance_ms(3_600_000)

    assert woken.wait(WAIT_S)
    bell.close()


def test_an_alarm_that_is_set_earlier_wakes_earlier() -> None:
    clock, woken = ManualClock(), threading.Event()
    bell = Alarm(clock, woken.set)
    bell.set(clock.now_ns() + 3600 * SECOND_NS)

    bell.set(clock.now_ns())

    assert woken.wait(WAIT_S)
    bell.close()


def test_an_alarm_that_is_taken_back_does_not_wake() -> None:
    clock, woken = ManualClock(), threading.Event()
    bell = Alarm(clock, woken.set)
    bell.set(clock.now_ns() + SECOND_NS)
    bell.set(None)
    clock.advance_ms(2_000)

    assert not woken.wait(0.05)
    bell.close()


class Ticker:
    """A worker that wants a step every millisecond, and counts those that were due."""

    def __init__(self, wanted: int) -> None:
        self.done = threading.Event()
        self._wanted = wanted
        self._due_ns: int | None = None

    def step(self, now_ns: int) -> int | None:
        if self._due_ns is None:
            self._due_ns = now_ns
        if now_ns >= self._due_ns:
            self._due_ns += 1_000_000
            self._wanted -= 1
            if not self._wanted:
                self.done.set()
        return self._due_ns if self._wanted else None


def test_a_worker_gets_its_steps_though_nothing_happens(tmp_path: Path) -> None:
    with Livefile.open(tmp_path / "ticks.db", clock=SystemClock()) as livefile:
        ticker = Ticker(wanted=5)
        livefile._driver._workers = [ticker]
        livefile._driver.wake()

        assert ticker.done.wait(WAIT_S)
