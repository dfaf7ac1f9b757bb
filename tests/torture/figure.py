"""What one torture yields: how many cases ran, how many failed, and how sure that makes us.

Each torture is a module with ``measure(size, seed) -> Figure``. The tests run it at size ``T1``,
``make torture`` at ``T2``.
"""

from dataclasses import dataclass
from enum import Enum


class Size(Enum):
    """How many cases: of a change (T1) or of a release (T2)."""

    T1 = "T1"
    T2 = "T2"


@dataclass(frozen=True, slots=True)
class Figure:
    """The outcome of one torture. ``id`` is its row in docs/reliability.md.

    ``cases_min`` is the least that counts: a run with too little traffic is void, not green.
    """

    id: str
    question: str
    cases: int
    cases_min: int
    failures: int
    duration_s: float
    note: str = ""

    @property
    def is_void(self) -> bool:
        """Whether too few cases ran to say anything."""
        return self.cases < self.cases_min

    @property
    def failure_rate_max(self) -> float:
        """The failure rate that so many independent cases without one leave possible (95 %)."""
        return 3 / self.cases if self.cases else 1.0

    def check(self) -> None:
        """Raise AssertionError unless enough cases ran and none failed."""
        # Failures first: a torture that stops at its first failure has run too few cases as well.
        assert not self.failures, f"{self.id}: {self.failures} of {self.cases} failed; {self.note}"
        assert not self.is_void, f"{self.id}: only {self.cases} cases, want {self.cases_min}"
