"""Cases, how they are repeated, and the one line of output that each becomes.

Cases of all questions are repeated in turn, never one case ten times in a row, so that whatever
else the machine does meanwhile falls on all of them alike.

Not here: what is measured (one file per question).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

REPETITIONS = 10

Sample = Mapping[str, Sequence[float]]
"""What one repetition saw: observations by figure. A figure's name ends in its unit."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the median of one figure should not exceed."""

    figure: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure. ``floor`` names cases that, together, do it without Livefile."""

    name: str
    measure: Callable[[], Sample]
    parameters: Mapping[str, object] = field(default_factory=dict)
    target: Target | None = None
    floor: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name with the parameters: ``query_http cache=hit``."""
        return " ".join([self.name, *(f"{name}={it}" for name, it in self.parameters.items())])


@dataclass(frozen=True, slots=True)
class Result:
    """All observations of a case, over its repetitions.

    ``medians`` holds one number per repetition and figure: their spread is that of the machine.
    """

    case: Case
    observations: Mapping[str, Sequence[float]]
    medians: Mapping[str, Sequence[float]]

    def median(self, figure: str) -> float:
        """Return the median over everything observed."""
        return median(self.observations[figure])

    def line(self) -> str:
        """Return the one line: name, parameters, then median and p95 of every figure."""
        parts = [self.case.title]
        for figure, values in self.observations.items():
            parts.append(f"median_{figure}={rounded(median(values))}")
            parts.append(f"p95_{figure}={rounded(percentile(values, 95))}")
        return " ".join(parts)


def repeat(cases: Sequence[Case], repetitions: int) -> list[Result]:
    """Measure every case ``repetitions`` times, in turn, after one round that does not count."""
    samples: list[list[Sample]] = [[] for _ in cases]
    for repetition in range(repetitions + 1):
        for case, seen in zip(cases, samples, strict=True):
            sample = case.measure()
            if repetition > 0:  # Caches, files and code paths are warm from here on.
                seen.append(sample)
    return [_result(case, seen) for case, seen in zip(cases, samples, strict=True)]


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that at least ``percent`` % of all values do not exceed."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1]


def rounded(number: float) -> str:
    """Return a number with about three digits that mean something."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _result(case: Case, samples: Sequence[Sample]) -> Result:
    figures = list(samples[0])
    return Result(
        case=case,
        observations={name: [x for sample in samples for x in sample[name]] for name in figures},
        medians={name: [median(sample[name]) for sample in samples] for name in figures},
    )
