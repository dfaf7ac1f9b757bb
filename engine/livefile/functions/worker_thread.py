"""A thread of the engine: it repeats its work until there is no more.

Not here: the work (``mutations.py``, ``reactive/subscriptions.py``).
"""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("livefile")


class WorkerThread(threading.Thread):
    """Repeats ``work`` while it returns True. What it raises ends the thread: ``failed`` hears."""

    def __init__(
        self, name: str, work: Callable[[], bool], failed: Callable[[Exception], None]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._failed = failed

    def run(self) -> None:
        """Work until the end."""
        try:
            while self._work():
                pass
        except Exception as error:  # The edge of a worker: nothing above would hear of it.
            _log.critical("%s stopped: %s", self.name, error, exc_info=error)
            self._failed(error)
