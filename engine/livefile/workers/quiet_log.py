"""Emptying the write-ahead log once nothing was written for a while.

From then until the next commit the file is complete by itself, and a plain copy of it is a copy of
everything. In steady use the log is reused as it is, which is twice as fast as growing it anew.

Not here: the checkpoints of a busy deployment (``sqlite/connections.py``).
"""

from collections.abc import Callable

from livefile.transaction.database import Database
from livefile.vocabulary.limits import LOG_QUIET_MS_MIN

_QUIET_NS = LOG_QUIET_MS_MIN * 1_000_000
_RETRY_NS = _QUIET_NS // 10


class QuietLog:
    """The worker that does it."""

    def __init__(self, database: Database, is_idle: Callable[[], bool]) -> None:
        """Take the open file, and what tells that nothing is being written."""
        self._database = database
        self._is_idle = is_idle
        self._pages = 0
        self._written_ns = 0
        self._look_ns: int | None = None

    def step(self, now_ns: int) -> int | None:
        """Empty the log if it is time; return when to look again."""
        pages = self._database.log_pages
        if pages != self._pages:  # Something was written since the last step.
            self._pages, self._written_ns = pages, now_ns
        if not pages:
            self._look_ns = None
        elif self._look_ns is None:
            self._look_ns = now_ns + _QUIET_NS
        elif now_ns >= self._look_ns:
            self._look_ns = self._look(now_ns)
        # The same while commits come, because setting an alarm costs more than a look.
        return self._look_ns

    def _look(self, now_ns: int) -> int | None:
        quiet_ns = self._written_ns + _QUIET_NS
        if now_ns < quiet_ns:
            return quiet_ns
        if not (self._is_idle() and self._database.committer.empty_log()):
            return now_ns + _RETRY_NS  # Somebody writes, or reads from the log.
        self._pages = 0
        return None
