"""Where the time comes from.

Every wall-clock time in the engine is read from a ``Clock`` that was passed in, so that tests
and simulations turn it by hand.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of wall-clock time."""

    def now_ns(self) -> int:
        """Return nanoseconds since 1970. May jump in either direction."""


class SystemClock:
    """The clock of the machine."""

    def now_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return time.time_ns()


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the time that was last set."""
        return self._now_ns

    def set_ns(self, now_ns: int) -> None:
        """Jump to ``now_ns``, also backwards."""
        self._now_ns = now_ns

    def advance_ms(self, duration_ms: float) -> None:
        """Move by ``duration_ms``."""
        self._now_ns += int(duration_ms * 1_000_000)
