"""The slow lane: threads for functions that take too long for the engine's own thread.

A function begins on the engine's thread, where it is fast and nothing can conflict with it. If it
is not done after a moment it is stopped and run again here, on a snapshot; from then on it begins
here, for a while. A function here ends within its time limit or fails.

Not here: stopping (``watchdog.py``); what a mutation or a query does here (``mutations.py``,
``reactive/slow_runs.py``).
"""

import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

from livefile.functions.watchdog import Preempted, TimedOut, Watchdog
from livefile.vocabulary.errors import UnstoppableError
from livefile.vocabulary.limits import (
    FUNCTION_AT_HEAD_DURATION_MS_MAX,
    FUNCTION_DURATION_MS_MAX,
    FUNCTION_UNSTOPPABLE_MS_MAX,
    SLOW_FUNCTION_MEMORY_MS,
    SLOW_FUNCTIONS_RUNNING_MAX,
)

P = ParamSpec("P")
R = TypeVar("R")

# While a slow function runs, the engine's thread must not wait long for the interpreter's lock:
# it gives the lock up at every statement of SQLite.
_SWITCH_INTERVAL_S = 0.0002


class SlowLane:
    """A few threads, the watchdog, and the memory of which functions are slow. Thread-safe."""

    def __init__(self, failed: Callable[[UnstoppableError], None]) -> None:
        """Take who hears of a function that cannot be stopped."""
        self._watchdog = Watchdog(failed)
        self._head = self._watchdog.guard(
            FUNCTION_AT_HEAD_DURATION_MS_MAX, Preempted, is_own_work=True
        )
        self._head_at_last = self._watchdog.guard(FUNCTION_DURATION_MS_MAX, TimedOut)
        self._slow_until_s: dict[str, float] = {}
        self._lock = threading.Lock()
        self._running_count = 0
        self.runs_count = 0
        self._usual_switch_interval_s = sys.getswitchinterval()
        self._calls = _Threads(self._run_quickly_switched)
        # Threads of their own: what holds a snapshot must not wait behind what waits for one.
        self._runs = _Threads(self._run_quickly_switched)

    def is_slow(self, path: str) -> bool:
        """Return whether a function was too slow for the engine's thread not long ago."""
        if path not in self._slow_until_s:
            return False
        if time.monotonic() < self._slow_until_s[path]:
            return True
        del self._slow_until_s[path]
        return False

    def note_slow(self, path: str) -> None:
        """Remember that a function is slow."""
        self._slow_until_s[path] = time.monotonic() + SLOW_FUNCTION_MEMORY_MS / 1000

    def run_at_head(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run something on the engine's thread; Preempted if it is too slow for that."""
        return self._head.run(work, *args, **kwargs)

    def run_at_head_at_last(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run something on the engine's thread that can run nowhere else; TimedOut at the limit."""
        return self._head_at_last.run(work, *args, **kwargs)

    def start(self, work: Callable[[], None]) -> None:
        """Run ``work`` on one of the lane's threads, as soon as one is free."""
        self._calls.start(work)

    def start_at_once(self, work: Callable[[], None]) -> None:
        """Run ``work``, which holds a snapshot; there are no more at a time than threads for it."""
        self._runs.start(work)

    def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function on this thread, one of the lane's; TimedOut at the limit."""
        guard = self._watchdog.guard(FUNCTION_DURATION_MS_MAX, TimedOut, is_alone=True)
        try:
            return guard.run(work, *args, **kwargs)
        finally:
            self._watchdog.forget(guard)

    def step(self) -> None:
        """Do nothing: there are threads for it."""

    def close(self) -> None:
        """Finish what was started."""
        self._calls.close()
        self._runs.close()
        self._watchdog.close()

    def _run_quickly_switched(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._running_count += 1
            self.runs_count += 1
            if self._running_count == 1:
                self._usual_switch_interval_s = sys.getswitchinterval()
                sys.setswitchinterval(_SWITCH_INTERVAL_S)
        try:
            work()
        finally:
            with self._lock:
                self._running_count -= 1
                if not self._running_count:
                    sys.setswitchinterval(self._usual_switch_interval_s)


class _Threads:
    """A few threads that do work in order of arrival, begun when there is any."""

    def __init__(self, do: Callable[[Callable[[], None]], None]) -> None:
        self._do = do
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, work: Callable[[], None]) -> None:
        """Do ``work`` as soon as a thread is free."""
        with self._lock:
            if len(self._threads) < SLOW_FUNCTIONS_RUNNING_MAX:
                # A daemon: a function that cannot be stopped must not keep the process alive.
                thread = threading.Thread(target=self._run, name="livefile-slow", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._waiting.put(work)

    def close(self) -> None:
        """Finish what was started."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(FUNCTION_UNSTOPPABLE_MS_MAX / 1000)

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            self._do(work)
