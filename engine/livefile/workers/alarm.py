"""An alarm: wakes the engine at a time of its clock.

Not here: what is done then (``workers/worker.py``).
"""

import threading
from collections.abc import Callable

from livefile.vocabulary.clock import Clock
from livefile.vocabulary.limits import ALARM_SLEEP_MS_MAX


class Alarm:
    """One time at which ``wake`` is called, from a thread of its own, started when first needed.

    The clock may jump, and a thread sleeps by another one; so it looks again after a while.
    """

    def __init__(self, clock: Clock, wake: Callable[[], None]) -> None:
        self._clock = clock
        self._wake = wake
        self._changed = threading.Condition()
        self._due_ns: int | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def set(self, due_ns: int | None) -> None:
        """Wake at ``due_ns`` and at no other time; None for never."""
        if due_ns == self._due_ns:
            return
        with self._changed:
            self._due_ns = due_ns
            if due_ns is not None and self._thread is None and not self._is_closed:
                self._thread = threading.Thread(
                    target=self._run, name="livefile-alarm", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Wake never again."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._is_closed:
                    return
                due_ns = self._due_ns
                if due_ns is None:
                    self._changed.wait()
                    continue
                wait_ms = (due_ns - self._clock.now_ns()) / 1e6
                if wait_ms > 0:
                    self._changed.wait(min(wait_ms, ALARM_SLEEP_MS_MAX) / 1000)
                    continue
                self._due_ns = None
            self._wake()
