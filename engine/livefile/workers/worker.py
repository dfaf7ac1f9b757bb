"""A worker: something that the engine does by itself when it is due.

Not here: who looks after workers (``driver.py``); how the engine is woken at a time
(``workers/alarm.py``).
"""

from typing import Protocol


class Worker(Protocol):
    """Something with work that is due at times. Engine's thread."""

    def step(self, now_ns: int) -> int | None:
        """Do what is due; part of every step of the engine, so it must cost next to nothing.

        Returns:
            When it wants a step even if nothing else happens: nanoseconds since 1970, None if only
            a commit or a call can give it work.
        """
        ...
