"""What mutations and queries want of the slow lane, be it with threads or stepped by hand.

Not here: the two of them (``functions/slow_lane.py``, ``functions/stepped_lane.py``).
"""

from collections.abc import Callable
from typing import Any, Protocol

from livefile.functions.runner import Run


class RunLimited(Protocol):
    """Runs something and returns what it returns, or stops it when it takes too long."""

    def __call__(self, work: Callable[..., Run], *args: Any) -> Run:  # Any: what ``work`` takes.
        """Run ``work(*args)``."""


class Lane(Protocol):
    """Where functions run that are too slow for the engine's thread.

    ``runs_count`` is how much work was begun here up to now.
    """

    runs_count: int

    def is_slow(self, path: str) -> bool:
        """Return whether a function was too slow for the engine's thread not long ago."""

    def note_slow(self, path: str) -> None:
        """Remember that a function is slow."""

    def run_at_head(self, work: Callable[..., Run], *args: Any) -> Run:
        """Run something on the engine's thread; Preempted if it is too slow for that."""

    def run_at_head_at_last(self, work: Callable[..., Run], *args: Any) -> Run:
        """Run something on the engine's thread that can run nowhere else; TimedOut at the limit."""

    def run(self, work: Callable[..., Run], *args: Any) -> Run:
        """Run a function in work that was started; TimedOut at the limit."""

    def start(self, work: Callable[[], None]) -> None:
        """Have ``work`` done in the lane, as soon as there is room."""

    def start_at_once(self, work: Callable[[], None]) -> None:
        """Have ``work`` done that holds a snapshot already; two at a time, not more."""

    def step(self) -> None:
        """Do some of the work that was started, if the lane has no threads for it."""

    def close(self) -> None:
        """Finish what was started."""


def without_limit(work: Callable[..., Run], *args: Any) -> Run:
    """Run something for as long as it takes."""
    return work(*args)
