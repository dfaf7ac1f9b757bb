"""Stopping what runs too long, and nothing else."""

import sys
import threading

import pytest

from livefile.functions.watchdog import Preempted, TimedOut, Watchdog
from livefile.vocabulary.errors import UnstoppableError


def spin_until_stopped() -> None:
    while True:
        pass


def test_what_runs_too_long_is_stopped() -> None:
    watchdog = Watchdog(lambda error: None)
    guard = watchdog.guard(30, Preempted, is_own_work=True)
    with pytest.raises(Preempted):
        guard.run(spin_until_stopped)

    assert guard.run(lambda: "next") == "next"
    watchdog.close()


def test_what_waits_too_long_is_stopped_too() -> None:
    watchdog = Watchdog(lambda error: None)
    guard = watchdog.guard(10, TimedOut, is_own_work=True)
    never = threading.Lock()
    never.acquire()

    def wait() -> None:
        while True:
            never.acquire(timeout=0.001)

    with pytest.raises(TimedOut):
        guard.run(wait)
    watchdog.close()


def test_a_run_whose_thread_has_ended_harms_nobody() -> None:
    failures: list[UnstoppableError] = []
    watchdog = Watchdog(failures.append)
    guard = watchdog.guard(30, Preempted, is_own_work=True)
    for _ in range(20):
        thread = threading.Thread(target=guard.run, args=[int])
        thread.start()
        thread.join()
        guard.check(0.0)

    with pytest.raises(Preempted):
        guard.run(spin_until_stopped)
    watchdog.close()
    assert not failures


def test_a_stop_inside_of_a_destructor_is_heard_by_nobody(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)
    Watchdog(lambda error: None).close()

    class Stopped:
        def __del__(self) -> None:
            raise Preempted

    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    Stopped()
    assert not heard
    Broken()
    assert len(heard) == 1
