"""The way from the engine to the event loop.

Mostly the engine runs on the loop's own thread, and its calls are made at once. Those of other
threads, such as the answers of actions, are left here: waking a loop costs more than the call it
brings, so only the first of a burst wakes it, and it makes them all, in the order in which they
were left.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

_Posted = tuple[Callable[..., None], tuple[Any, ...]]  # Any: each call has its own arguments.


class Mailbox:
    """Calls for ``loop``, whose thread makes this. ``post`` may be used on any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        """For whoever has a mailbox: asking asyncio is a system call before Python 3.12."""
        self._thread_id = threading.get_ident()
        self._posted: deque[_Posted] = deque()
        self._is_woken = False

    def post(self, function: Callable[..., None], *args: Any) -> None:
        """Call ``function(*args)`` on the loop's thread; after the loop was closed, do nothing."""
        if threading.get_ident() == self._thread_id:
            function(*args)
            return
        self._posted.append((function, args))
        # Two threads may both see False here; then the loop finds the box empty once.
        if not self._is_woken:
            self._is_woken = True
            try:
                self.loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                self._posted.clear()  # The loop is closed: nobody is left to be told.

    def _deliver(self) -> None:
        # Before the first call is taken, so that one that is left meanwhile wakes again.
        self._is_woken = False
        posted = self._posted
        # Only those that are there now: sockets are read before the next ones.
        remaining = len(posted)
        try:
            while remaining:
                remaining -= 1
                function, args = posted.popleft()
                function(*args)
        finally:
            if remaining:  # A call raised. The loop reports it; the others must still be made.
                self.loop.call_soon(self._deliver)
