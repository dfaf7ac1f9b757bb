"""Cases, how they are repeated, and the one line of output that each becomes.

Cases of all questions are repeated in turn, never one case ten times in a row, so that whatever
else the machine does meanwhile falls on all of them alike.

Not here: what is measured (one file per question), and the table of targets (``table.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

REPETITIONS = 10

Sample = Mapping[str, Sequence[float]]
"""What one repetition saw: observations by figure. A figure's name ends in its unit."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one figure should not exceed: its median, or another percentile.

    ``is_ratio``: not the figure itself is bounded but how many times the floor's it is.
    """

    figure: str
    at_most: float
    percent: int = 50
    is_ratio: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure. ``floor`` is the title of the case that it is compared with."""

    name: str
    measure: Callable[[], Sample]
    parameters: Mapping[str, object] = field(default_factory=dict)
    targets: Sequence[Target] = ()
    floor: str | None = None

    @property
    def title(self) -> str:
        """The name with the parameters: ``query_http cache=hit``."""
        return " ".join([self.name, *(f"{name}={it}" for name, it in self.parameters.items())])


@dataclass(frozen=True, slots=True)
class Result:
    """What all repetitions of a case saw, in their order."""

    case: Case
    samples: Sequence[Sample]

    @property
    def figures(self) -> Sequence[str]:
        """The names of what was observed."""
        return list(self.samples[0])

    def value(self, figure: str, percent: int = 50) -> float:
        """Return the median, or another percentile, over everything observed."""
        return _at(percent, [seen for sample in self.samples for seen in sample[figure]])

    def values(self, figure: str, percent: int = 50) -> list[float]:
        """Return the same for each repetition: how far apart they are is the machine's doing."""
        return [_at(percent, sample[figure]) for sample in self.samples]

    def times(self, floor: "Result", figure: str, percent: int = 50) -> list[float]:
        """Return for each repetition how many times the floor's figure this one's is.

        The two were measured within the same round, so a machine that is slower for a while
        moves the ratio least.
        """
        pairs = zip(self.values(figure, percent), floor.values(figure, percent), strict=True)
        return [own / bare for own, bare in pairs]

    def line(self) -> str:
        """Return the one line: name, parameters, then median and p95 of every figure."""
        parts = [self.case.title]
        for figure in self.figures:
            parts.append(f"median_{figure}={rounded(self.value(figure))}")
            parts.append(f"p95_{figure}={rounded(self.value(figure, 95))}")
        return " ".join(parts)


def repeat(cases: Sequence[Case], repetitions: int) -> list[Result]:
    """Measure every case ``repetitions`` times, in turn, after one round that does not count."""
    samples: list[list[Sample]] = [[] for _ in cases]
    for repetition in range(repetitions + 1):
        for case, seen in zip(cases, samples, strict=True):
            sample = case.measure()
            if repetition > 0:  # Caches, files and code paths are warm from here on.
                seen.append(sample)
    return [Result(case, seen) for case, seen in zip(cases, samples, strict=True)]


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that at least ``percent`` % of all values do not exceed."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1]


def rounded(number: float) -> str:
    """Return a number with about three digits that mean something."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _at(percent: int, values: Sequence[float]) -> float:
    return median(values) if percent == 50 else percentile(values, percent)
