"""A bounded queue in front of one thread that takes everything that waits at once.

Taking all that waits is what makes groups: one wake-up, one fsync, one snapshot for many calls.
"""

import threading
from typing import Generic, TypeVar

from livefile.vocabulary.errors import ClosedError, OverloadedError

Item = TypeVar("Item")


class WorkQueue(Generic[Item]):
    """Items in order of arrival. ``put`` is safe for threads, ``take`` is for one thread."""

    def __init__(self, items_max: int, overload_code: str) -> None:
        self._items: list[Item] = []
        self._items_max = items_max
        self._overload_code = overload_code
        self._changed = threading.Condition(threading.Lock())
        self._is_woken = False
        self._is_closed = False

    def put(self, item: Item) -> None:
        """Add an item.

        Raises:
            OverloadedError: the queue is full.
            ClosedError: the queue was closed.
        """
        with self._changed:
            if self._is_closed:
                raise ClosedError("the deployment is closed")
            if len(self._items) >= self._items_max:
                raise OverloadedError(
                    self._overload_code, f"{self._items_max} calls are waiting already; try later"
                )
            self._items.append(item)
            self._changed.notify()

    def put_always(self, item: Item) -> None:
        """Add an item whatever waits already; drop it if the queue was closed.

        For items that follow from accepted work, so that their number is bounded by it.
        """
        with self._changed:
            if not self._is_closed:
                self._items.append(item)
                self._changed.notify()

    def wake(self) -> None:
        """Make ``take`` return, the one that waits or else the next one, be it with nothing."""
        with self._changed:
            self._is_woken = True
            self._changed.notify()

    def take(self, items_max: int | None = None, *, is_waiting: bool = True) -> list[Item]:
        """Return what waits, oldest first; wait if nothing does, unless told otherwise."""
        with self._changed:
            while is_waiting and not (self._items or self._is_woken or self._is_closed):
                self._changed.wait()
            self._is_woken = False
            taken = self._items[:items_max]
            del self._items[:items_max]
            return taken

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called; what waits can still be taken."""
        return self._is_closed

    def close(self) -> None:
        """Refuse further items and wake the taker."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
