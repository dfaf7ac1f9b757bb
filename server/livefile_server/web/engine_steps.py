"""Running the engine on the event loop's own thread.

Functions, queries and commits are run in steps between the loop's other work, so that a request
reaches the engine and its answer the socket without a change of threads. What would hold the loop
up is elsewhere: the engine waits for the disk on a thread of its own and moves slow functions to
others.
"""

import asyncio
import threading
from collections.abc import Callable


class EngineSteps:
    """Takes a step of the engine soon after each ``wake``, once for all wakes before it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, step: Callable[[], None]) -> None:
        """Take the loop that runs on this thread, and the step."""
        self._loop = loop
        self._thread_id = threading.get_ident()
        self._step = step
        self._is_scheduled = False

    def wake(self) -> None:
        """Have a step taken soon. Safe for threads."""
        # Two threads may both see False here; then the engine finds nothing to do once.
        if self._is_scheduled:
            return
        self._is_scheduled = True
        if threading.get_ident() == self._thread_id:
            self._loop.call_soon(self._take)
        else:
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        # Before the step, so that work that comes meanwhile has another one.
        self._is_scheduled = False
        self._step()
