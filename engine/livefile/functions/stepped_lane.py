"""The slow lane of a deployment without threads: its work is done in steps, in the caller's thread.

Nothing is stopped there, because nobody could. Functions are slow if ``note_slow`` says so, and
then take the same way as in a deployment with threads.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from livefile.functions.lane import without_limit
from livefile.functions.runner import Run


class SteppedLane:
    """A queue of work. ``step`` does the oldest."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Take how to ask for a step."""
        self._wake = wake
        self.runs_count = 0
        self._slow: set[str] = set()
        self._waiting: deque[Callable[[], None]] = deque()

    def is_slow(self, path: str) -> bool:
        """Return whether a function was said to be slow."""
        return path in self._slow

    def note_slow(self, path: str) -> None:
        """Let a function take the lane from now on."""
        self._slow.add(path)

    def run_at_head(self, work: Callable[..., Run], *args: Any) -> Run:
        """Run something for as long as it takes."""
        return without_limit(work, *args)

    run_at_head_at_last = run = run_at_head

    def start(self, work: Callable[[], None]) -> None:
        """Have ``work`` done in a later step."""
        self._waiting.append(work)
        self._wake()

    start_at_once = start

    def step(self) -> None:
        """Do the oldest piece of work."""
        if self._waiting:
            self.runs_count += 1
            self._waiting.popleft()()
            self._wake()

    def close(self) -> None:
        """Do all that waits."""
        while self._waiting:
            self.step()
