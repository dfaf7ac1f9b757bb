"""Ending a process that stands still, so that whoever watches it starts another.

A function that stays inside one call into C, such as a regular expression that backtracks for
ever, holds the interpreter's lock: no thread of Python can stop it, and no client is answered. A
thread of the interpreter's own, which needs no lock, then prints the stack of every thread and
ends the process. Committed data is safe: it is as if the process had been killed.
"""

import asyncio
import faulthandler

from livefile import limits

_INTERVAL_S = 1.0


class FreezeWatchdog:
    """Ends the process when ``loop`` makes no turn for too long. One for a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch from now on; made and closed on the loop's thread."""
        self._loop = loop
        self._arm()

    def close(self) -> None:
        """Watch no more."""
        self._timer.cancel()
        faulthandler.cancel_dump_traceback_later()

    def _arm(self) -> None:
        faulthandler.dump_traceback_later(limits.EVENT_LOOP_FROZEN_MS_MAX / 1000, exit=True)
        self._timer = self._loop.call_later(_INTERVAL_S, self._arm)
