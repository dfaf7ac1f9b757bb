"""Stopping what runs too long, and nothing else."""

import signal
import subprocess
import sys
import threading
import time

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


_WAITS_A_MOMENT = """
import time
from livefile.functions.watchdog import TimedOut, Watchdog

def wait():
    for _ in range(20):
        time.sleep(0.02)
    return "done"

guard = Watchdog(print).guard(600, TimedOut)
print("ready", flush=True)
print(guard.run(wait), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signal stops a process there")
def test_a_machine_that_stalls_stops_no_function() -> None:
    command = [sys.executable, "-c", _WAITS_A_MOMENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        process.send_signal(signal.SIGCONT)

        assert process.stdout.read() == "done\n"
