"""A coroutine that is made when it begins.

One that is handed to an event loop which stops first leaves nothing behind, where a plain one
complains, some time later, that nobody awaited it.
"""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")

# Any: what passes between a coroutine and its event loop.


class LateCoroutine(Coroutine[Any, Any, T]):
    """Stands for the coroutine that ``make`` returns."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make = make
        self._coroutine: Coroutine[Any, Any, T] | None = None

    def send(self, value: Any) -> Any:
        """Go on, or begin."""
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error where it waits, or at its beginning."""
        return self._begun().throw(*error)

    def close(self) -> None:
        """End it; if it never began, there is nothing to end."""
        if self._coroutine is not None:
            self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._begun().__await__()

    def _begun(self) -> Coroutine[Any, Any, T]:
        if self._coroutine is None:
            self._coroutine = self._make()
        return self._coroutine
