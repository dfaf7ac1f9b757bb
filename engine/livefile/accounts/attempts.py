"""How often something may be tried: so many times at once, then one more each while.

Counts are in memory: a restart forgives. Those that were not touched for the longest are forgotten
when there are very many; by then they are mostly full again.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from livefile.vocabulary.errors import OverloadedError
from livefile.vocabulary.limits import ATTEMPTS_KNOWN_MAX


@dataclass(slots=True)
class _Allowance:
    left: float
    seen_ms: float


class Attempts:
    """Counts the tries of one kind, by whatever they are of. One event loop."""

    def __init__(self, most: int, interval_ms: int, what: str, now_ns: Callable[[], int]) -> None:
        """Allow ``most`` at once, and one more each ``interval_ms``; ``what`` is for the text."""
        self._most = most
        self._interval_ms = interval_ms
        self._what = what
        self._now_ns = now_ns
        self._known: OrderedDict[object, _Allowance] = OrderedDict()

    def check(self, key: object) -> None:
        """Return if one more may be tried; None as ``key`` is not counted.

        Raises:
            OverloadedError: there were too many.
        """
        if key is not None and self._allowance(key).left < 1:
            raise OverloadedError(
                "TooManyAttempts", f"Too many {self._what}; try again in some minutes"
            )

    def count(self, key: object) -> None:
        """Count one more."""
        if key is not None:
            self._allowance(key).left -= 1

    def take(self, key: object) -> None:
        """Do both.

        Raises:
            OverloadedError: there were too many.
        """
        self.check(key)
        self.count(key)

    def give_back(self, key: object) -> None:
        """Take one back that was counted."""
        if key is not None:
            self._allowance(key).left += 1

    def _allowance(self, key: object) -> _Allowance:
        now_ms = self._now_ns() / 1e6
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Allowance(left=self._most, seen_ms=now_ms)
            if len(self._known) > ATTEMPTS_KNOWN_MAX:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        passed_ms = max(0.0, now_ms - known.seen_ms)
        known.left = min(self._most, known.left + passed_ms / self._interval_ms)
        known.seen_ms = now_ms
        return known
