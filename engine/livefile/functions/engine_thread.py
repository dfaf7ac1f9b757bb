"""The engine's own thread, for programs that have no event loop to run the engine on.

Not here: the work (``engine.py``); an event loop that runs it instead (``Livefile.driven_by``).
"""

import threading
from collections.abc import Callable


class EngineThread(threading.Thread):
    """Calls ``step`` whenever it was woken, until it is stopped. ``step`` must not raise."""

    def __init__(self, step: Callable[[], None]) -> None:
        super().__init__(name="livefile-engine", daemon=True)
        self._step = step
        self._woken = threading.Event()
        self._is_stopped = False

    def wake(self) -> None:
        """Have ``step`` called, once for any number of wakes before it. Safe for threads."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread after the step that is running."""
        self._is_stopped = True
        self._woken.set()
        if threading.current_thread() is not self:
            self.join()

    def run(self) -> None:
        """Work until the end."""
        while not self._is_stopped:
            self._woken.wait()
            self._woken.clear()
            self._step()
