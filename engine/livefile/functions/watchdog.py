"""Stopping a function that runs too long: an exception out of the blue, raised in its thread.

Queries and mutations are sealed and their writes are buffered, so one that is stopped has done
nothing: it can be run again elsewhere, or fail. The exceptions are no ``Exception``, so that a
function's own ``except Exception`` does not keep it alive; one that catches everything is stopped
again at the next tick.

What cannot be stopped this way is a call into C that runs long, such as a regular expression: the
exception waits for the next line of Python (docs/explanation/limits.md).

Not here: what happens to a function that was stopped (``mutations.py``, ``reactive/``).
"""

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from livefile.functions.running import current_call
from livefile.vocabulary.errors import UnstoppableError
from livefile.vocabulary.limits import FUNCTION_UNSTOPPABLE_MS_MAX

P = ParamSpec("P")
R = TypeVar("R")

_TICK_S = 0.025
_LATE_TICK_S = 4 * _TICK_S
_STOPS_MAX = round(FUNCTION_UNSTOPPABLE_MS_MAX / 1000 / _TICK_S)
# A run that is measured by its own work may wait for this many times as long, for a lock or for
# a machine that has other things to do.
_WAITING_FACTOR_MAX = 4
# Ticks without a run after which the watchdog sleeps until the next one.
_QUIET_TICKS_MAX = 40


class Preempted(BaseException):
    """The function ran too long for the engine's thread; it is to be run in the slow lane."""

    is_slow = True
    """Whether it is to begin there for a while."""


class Unready(Preempted):
    """What the function needs is not ready, and the engine's thread does not wait for it."""

    is_slow = False


class TimedOut(BaseException):
    """The function ran longer than any function may."""


class Guard:
    """Watches what one thread runs, one function at a time."""

    def __init__(
        self,
        watchdog: "Watchdog",
        duration_s_max: float,
        stop: type[BaseException],
        *,
        is_own_work: bool,
        is_alone: bool,
    ) -> None:
        self._watchdog = watchdog
        self.duration_s_max = duration_s_max
        self.stop = stop
        self.is_alone = is_alone
        """Whether nobody waits for the thread: what runs there may itself wait for a while."""
        self._is_own_work = is_own_work
        self._thread_id = 0
        self._lock = threading.Lock()
        self.is_running = False
        self._is_stopped = False
        self._is_shielded = False
        self.is_due = False
        """Whether a shielded run is to stop by itself."""
        self._runs_count = 0
        # As the watchdog saw it last: which run it was, and when it saw that run first.
        self._seen_run = 0
        self._seen_s = 0.0
        self._seen_work_s: float | None = None
        self._stops_count = 0

    def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what ``work`` returns.

        Raises:
            BaseException: the guard's own, because the work ran too long.
        """
        try:
            self._begin()
            try:
                return work(*args, **kwargs)
            finally:
                self._end()
        except (Preempted, TimedOut):
            self._end()  # It may have come while ``_end`` ran.
            current_call.set(None)
            raise

    def _begin(self) -> None:
        self._thread_id = threading.get_ident()
        _this_thread.guard = self
        self._is_shielded = self.is_due = False
        self._runs_count += 1
        self.is_running = True
        if self._watchdog.is_asleep:
            self._watchdog.wake()

    def _end(self) -> None:
        _this_thread.guard = None
        with self._lock:
            self.is_running = False
            is_stopped, self._is_stopped = self._is_stopped, False
        if is_stopped:
            _raise_in(self._thread_id, None)

    def shield(self, is_shielded: bool) -> bool:
        """Let the run of this thread not be stopped from now on, or again; return how it was.

        For what must not be left half done; it looks at ``is_due`` itself.
        """
        with self._lock:
            before, self._is_shielded = self._is_shielded, is_shielded
        return before

    def excuse(self, duration_s: float) -> None:
        """Let some of the time of the run not count: it waited for something that was busy."""
        with self._lock:
            self._seen_s += duration_s
            if self.is_alone and duration_s > 0:
                self.is_due = False  # The next tick knows better.

    def check(self, now_s: float) -> bool:
        """Stop the run if it is too long. Return whether there was any since the last check.

        Raises:
            UnstoppableError: it was stopped again and again, and runs all the same.
        """
        with self._lock:
            if self._runs_count != self._seen_run:
                self._seen_run, self._seen_s = self._runs_count, now_s
                # While it runs its thread is there, for ``_end`` waits for this lock.
                is_asked = self._is_own_work and self.is_running
                self._seen_work_s = _work_s(self._thread_id) if is_asked else None
                self._stops_count = 0
                return True
            if not self.is_running:
                return False
            is_over = self._is_over(now_s - self._seen_s)
            if is_over and self._is_shielded:
                self.is_due = True
            elif is_over:
                self._is_stopped = True
                self._stops_count += 1
                _raise_in(self._thread_id, self.stop)
            # Counted, because the whole process may have stood still for a while.
            if self._stops_count > _STOPS_MAX:
                raise UnstoppableError(
                    f"a function runs for {now_s - self._seen_s:.0f} s, the limit is "
                    f"{self.duration_s_max:g} s, and it cannot be stopped: it catches everything"
                )
            return True

    def _is_over(self, duration_s: float) -> bool:
        if duration_s < self.duration_s_max:
            return False
        if self._seen_work_s is None or duration_s >= self.duration_s_max * _WAITING_FACTOR_MAX:
            return True
        work_s = _work_s(self._thread_id)
        return work_s is None or work_s - self._seen_work_s >= self.duration_s_max


class _ThisThread(threading.local):
    guard: Guard | None = None


_this_thread = _ThisThread()


def guard_here() -> Guard | None:
    """Return the guard that watches what this thread runs, None if none does.

    For work elsewhere that this thread waits for: it is to be stopped when the thread would be.
    """
    return _this_thread.guard


class _Clock:
    """Time as it passes for the process: it stands still with a machine that stalls or sleeps.

    Else a function would be stopped for a second in which it could not run.
    """

    def __init__(self) -> None:
        self._read_s = time.perf_counter()
        self._work_s = time.process_time()
        self._now_s = 0.0

    def now_s(self) -> float:
        """Return the time; to be asked for at every tick.

        A tick that comes late was a stall, unless the process was at work: then a function kept
        the interpreter to itself.
        """
        read_s, work_s = time.perf_counter(), time.process_time()
        passed_s, worked_s = read_s - self._read_s, work_s - self._work_s
        self._read_s, self._work_s = read_s, work_s
        self._now_s += min(passed_s, max(_LATE_TICK_S, worked_s))
        return self._now_s


class Watchdog:
    """A thread that looks at every guard forty times a second while anything runs."""

    def __init__(self, failed: Callable[[UnstoppableError], None]) -> None:
        """Take who hears of a function that cannot be stopped; then the watching ends."""
        _pass_over_stops()
        self._failed = failed
        self.is_asleep = False
        self._guards: set[Guard] = set()
        self._woken = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="livefile-watchdog", daemon=True)
        self._thread.start()

    def guard(
        self,
        duration_ms_max: float,
        stop: type[BaseException],
        *,
        is_own_work: bool = False,
        is_alone: bool = False,
    ) -> Guard:
        """Return a guard that raises ``stop`` in runs that take longer than a duration.

        With ``is_own_work`` only the time counts in which the thread itself was at work. Where it
        ``is_alone``, nobody waits for the thread.
        """
        guard = Guard(
            self, duration_ms_max / 1000, stop, is_own_work=is_own_work, is_alone=is_alone
        )
        self._guards.add(guard)
        return guard

    def forget(self, guard: Guard) -> None:
        """Look at a guard no more."""
        self._guards.discard(guard)

    def wake(self) -> None:
        """Look at the guards from now on."""
        self._woken.set()

    def close(self) -> None:
        """End the thread; nothing is stopped any more."""
        self._closed.set()
        self._woken.set()
        self._thread.join()

    def _watch(self) -> None:
        quiet_ticks = 0
        clock = _Clock()
        while not self._closed.wait(_TICK_S):
            now_s = clock.now_s()
            try:
                is_active = any([guard.check(now_s) for guard in tuple(self._guards)])
            except UnstoppableError as error:
                self._failed(error)
                return
            quiet_ticks = 0 if is_active else quiet_ticks + 1
            if quiet_ticks >= _QUIET_TICKS_MAX:
                self._sleep()
                quiet_ticks = 0

    def _sleep(self) -> None:
        """Wait for a run to begin."""
        self._woken.clear()
        self.is_asleep = True
        # A run that begins sees that it must wake us; one that began just before is seen here.
        if not self._closed.is_set() and not any(guard.is_running for guard in tuple(self._guards)):
            self._woken.wait()
        self.is_asleep = False


def _pass_over_stops() -> None:
    """Let nobody hear of a stop that came inside of a destructor: it is raised again soon."""
    usual = sys.unraisablehook
    if isinstance(usual, partial) and usual.func is _hear_unraisable:
        return
    sys.unraisablehook = partial(_hear_unraisable, usual)


def _hear_unraisable(usual: Callable[[Any], object], unraisable: Any) -> None:
    # Any: Python's own record of what could not be raised.
    if not issubclass(unraisable.exc_type, Preempted | TimedOut):
        usual(unraisable)


def _work_s(thread_id: int) -> float | None:
    """Return the processor time of a thread, None where the system does not tell it."""
    if sys.platform == "win32" or sys.platform == "darwin":
        return None
    return time.clock_gettime(time.pthread_getcpuclockid(thread_id))


def _raise_in(thread_id: int, stop: type[BaseException] | None) -> None:
    """Raise an exception in another thread at its next line; None takes back one that waits."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), None if stop is None else ctypes.py_object(stop)
    )
