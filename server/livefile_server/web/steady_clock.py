"""A clock that tells the time since 1970 and never jumps.

Keep-alives must not fire because somebody set the machine's clock, yet the protocol tells
clients the time of the server. So the wall clock is read once and a monotonic one added to it.
"""

import time

from livefile import Clock


class SteadyClock:
    """The time at which it was made, by ``clock``, and what has passed since then."""

    def __init__(self, clock: Clock) -> None:
        self._offset_ns = clock.now_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return time.monotonic_ns() + self._offset_ns
