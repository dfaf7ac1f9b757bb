"""Holding writes back for a bounded time, so that the file stands still.

Between two commit groups the queue of mutations asks here whether it may begin the next one.
While it may not, calls wait in the queue and reads go on.

Not here: the queue (``functions/mutations.py``).
"""

import threading
from collections.abc import Callable


class WriteHold:
    """Whether groups may begin. ``ask`` and ``release`` are safe for threads."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Take how to ask for a step."""
        self._wake = wake
        self._lock = threading.Lock()
        self._is_on = False
        self._waiting: Callable[[bool], None] | None = None

    def ask(self, done: Callable[[bool], None]) -> None:
        """Hold writes back; ``done`` hears True once no group is under way any more.

        It hears False if they are held for somebody else, or if the deployment closes first.
        """
        with self._lock:
            if self._is_on:
                is_taken = True
            else:
                is_taken, self._is_on, self._waiting = False, True, done
        if is_taken:
            done(False)
        else:
            self._wake()

    def stops_here(self) -> bool:
        """Tell who asked that no group is under way. Return whether none may begin.

        Engine's thread, between two groups.
        """
        if not self._is_on:
            return False
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting(True)
        return self._is_on

    def release(self) -> bool:
        """Let groups begin again. Return whether they were held until now."""
        with self._lock:
            was_on, self._is_on = self._is_on, False
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting(False)
        if was_on:
            self._wake()
        return was_on
