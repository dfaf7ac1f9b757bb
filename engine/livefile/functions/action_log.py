"""The log lines of one action, which are told while it runs: it may run for minutes.

Not here: who hears of them (``observers.py``); lines of queries and mutations, which nobody waits
for (``call_log.py``).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from livefile.functions.call_log import CallLog
from livefile.vocabulary.limits import ACTION_LOG_WAIT_MS

_WAIT_S = ACTION_LOG_WAIT_MS / 1000


class ActionLog(CallLog):
    """The lines of one action. Made and ended on its event loop; any thread adds lines.

    Those of a short action are not told apart: they come with its end.
    """

    def __init__(self, tell: Callable[[Sequence[str]], None] | None) -> None:
        """Take who is told of new lines, None for nobody."""
        super().__init__()
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_waiting = False

    def add(self, level: str, text: str) -> None:
        """Add a line, and have it told soon if the action goes on."""
        super().add(level, text)
        if self._tell is not None and not self._is_waiting:
            self._is_waiting = True
            # A thread that an action left behind may print when everything is over.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wait)

    def end(self) -> None:
        """Tell nothing more: what is left comes with the record of the action."""
        self._tell = None
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        self._timer = self._loop.call_later(_WAIT_S, self._tell_new)

    def _tell_new(self) -> None:
        self._is_waiting = False
        new = self.lines[self.told_count :]
        if self._tell is not None and new:
            self.told_count += len(new)
            self._tell(new)
