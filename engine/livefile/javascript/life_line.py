"""Keeps hosts from outliving the engine.

A host that waits for the engine ends with it. One that computes would not notice, for ever if its
function never ends: so hosts are lent processor time, a little at a time, by a thread that is gone
when the engine's process is.

Not here: hosts that are too slow while the engine lives (``host_process.py``).
"""

import sys
import threading
import time
from contextlib import suppress

if sys.platform == "linux":
    import resource

_RENEWAL_S = 5.0
_LENT_S = 30  # Of processor time, which passes no faster than time does, on one processor.


class LifeLine:
    """The hosts of this process, by their numbers. Thread-safe. Does nothing but on Linux."""

    def __init__(self) -> None:
        """Begin without any."""
        self._processors: dict[int, int] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, pid: int, processors: int = 1) -> None:
        """Let a host live as long as this process does; it computes on so many at one time."""
        if sys.platform != "linux":
            return
        with self._lock:
            self._processors[pid] = processors
            _lend(pid, processors)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._renew, name="livefile-life-line", daemon=True
                )
                self._thread.start()

    def remove(self, pid: int) -> None:
        """Forget a host, before anybody else gets its number."""
        with self._lock:
            self._processors.pop(pid, None)

    def _renew(self) -> None:
        while True:
            time.sleep(_RENEWAL_S)
            with self._lock:
                for pid, processors in self._processors.items():
                    _lend(pid, processors)


def work_s(pid: int) -> float:
    """Return the processor time of a process, -1 where the system does not tell it."""
    if sys.platform != "linux":
        return -1.0
    return time.clock_gettime((~pid << 3) | 2)  # As clock_getcpuclockid(3) has it.


def _lend(pid: int, processors: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError):  # It has ended, and nobody has asked yet.
            until_s = int(work_s(pid)) + _LENT_S * processors
            resource.prlimit(pid, resource.RLIMIT_CPU, (until_s, resource.RLIM_INFINITY))


life_line = LifeLine()
"""That of this process."""
