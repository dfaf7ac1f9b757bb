"""A bounded queue in front of the engine's thread, which takes everything that waits at once.

Taking all that waits is what makes groups: one fsync, one snapshot for many calls.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from livefile.vocabulary.errors import ClosedError, OverloadedError

Item = TypeVar("Item")


class WorkQueue(Generic[Item]):
    """Items in order of arrival. Safe for threads. ``wake`` is called after each new item."""

    def __init__(self, items_max: int, overload_code: str, wake: Callable[[], None]) -> None:
        self._items: list[Item] = []
        self._items_max = items_max
        self._overload_code = overload_code
        self.wake = wake
        self._lock = threading.Lock()
        self._is_closed = False

    def put(self, item: Item) -> None:
        """Add an item.

        Raises:
            OverloadedError: the queue is full.
            ClosedError: the queue was closed.
        """
        with self._lock:
            if self._is_closed:
                raise ClosedError("the deployment is closed")
            if len(self._items) >= self._items_max:
                raise OverloadedError(
                    self._overload_code, f"{self._items_max} calls are waiting already; try later"
                )
            self._items.append(item)
        self.wake()

    def put_always(self, item: Item) -> None:
        """Add an item whatever waits already, also after ``close``.

        For items that follow from accepted work, so that their number is bounded by it.
        """
        with self._lock:
            self._items.append(item)
        self.wake()

    def put_first(self, items: Sequence[Item]) -> None:
        """Put items before all that wait; they were taken before and could not be done yet."""
        if items:
            with self._lock:
                self._items[:0] = items
            self.wake()

    def take(self, items_max: int | None = None) -> list[Item]:
        """Return what waits, oldest first."""
        if not self._items:
            return []
        with self._lock:
            taken = self._items[:items_max]
            del self._items[:items_max]
            return taken

    def __len__(self) -> int:
        """Return how many items wait."""
        return len(self._items)

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called; what waits can still be taken."""
        return self._is_closed

    def close(self) -> None:
        """Refuse further items of callers."""
        with self._lock:
            self._is_closed = True
