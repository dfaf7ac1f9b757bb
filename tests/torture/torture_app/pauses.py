"""Time that a function takes, so that others come in between.

It waits for a lock that nobody gives back, in small parts: that lets other threads run, as a long
computation in C would.
"""

import threading

PAUSE_S = 0.002

_taken = threading.Lock()
_taken.acquire()


def pause(count: float) -> None:
    """Let others run, ``count`` times a moment."""
    for _ in range(int(count)):
        _taken.acquire(timeout=PAUSE_S)
