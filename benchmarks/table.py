"""The table of targets: what was measured, beside what was wanted and beside the floor.

One row for each target, and one for each case that has a floor and no target. It is Markdown,
padded so that it can be read on a terminal, and pasted into docs/performance.md as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from benchmarks.measurement import Result, Target, rounded

_HEADER = (
    "case",
    "figure",
    "target",
    "median",
    "spread",
    "compared with",
    "its median",
    "times that",
    "met",
)
_ONLY_SHOWN = Target("cpu_us", at_most=float("inf"))


def table(results: Sequence[Result]) -> str:
    """Return the table of all results that have a target or a floor."""
    by_title = {result.case.title: result for result in results}
    rows = [_HEADER, *(row for result in results for row in _rows(result, by_title))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    )


def _rows(result: Result, by_title: Mapping[str, Result]) -> Iterator[Sequence[str]]:
    # A question that runs alone may be without its floor.
    floor = by_title.get(result.case.floor or "")
    for target in result.case.targets:
        has_floor = floor is not None and target.figure in floor.figures
        if has_floor or not target.is_ratio:
            yield _row(result, floor if has_floor else None, target)
    if floor is not None and not result.case.targets:
        yield [*_row(result, floor, _ONLY_SHOWN)[:-1], ""]


def _row(result: Result, floor: Result | None, target: Target) -> Sequence[str]:
    figure, percent = target.figure, target.percent
    values, reached = result.values(figure, percent), result.value(figure, percent)
    cells = [
        result.case.title,
        figure if percent == 50 else f"p{percent} {figure}",
        _wanted(target),
        rounded(reached),
        f"{rounded(min(values))} to {rounded(max(values))}",
    ]
    if floor is None:
        cells += ["", "", ""]
    else:
        times = result.times(floor, figure, percent)
        reached = median(times) if target.is_ratio else reached
        cells += [
            floor.case.title,
            rounded(floor.value(figure, percent)),
            f"{median(times):.2f} ({min(times):.2f} to {max(times):.2f})",
        ]
    over = reached - target.at_most
    return [*cells, "yes" if over <= 0 else f"no, {rounded(over)} over"]


def _wanted(target: Target) -> str:
    if target is _ONLY_SHOWN:
        return ""
    return f"{target.at_most:g} times" if target.is_ratio else f"{target.at_most:g}"
