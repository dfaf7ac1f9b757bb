"""Does a change make a question cheaper? Two sides, measured in turn.

A side is the path of a checkout, or settings as in ``NAME=1,OTHER=2`` for the servers of this
one; ``.`` is this one as it is. Each pair runs the question in a new process on either side, the
left one first in every other pair, because a process and what the machine does meanwhile move a
figure more than many changes do. Printed are both medians, the median of the pairs' ratios, and
in how many pairs the right side took less. Run: ``python -m benchmarks.compare --question
mutation_websocket --case even --left . --right ../changed --pairs 5``.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.measurement import rounded
from benchmarks.server_under_test import KEPT_VARIABLE, ROOT

PAIRS_COUNT = 5

Figures = Mapping[tuple[str, str], float]
"""The medians of one run, by the title of the case and the name of the figure."""

_MEDIAN = re.compile(r" median_(\w+)=(\S+)")


@dataclass(frozen=True, slots=True)
class Side:
    """What is measured: the code in ``root``, with these settings."""

    root: Path
    settings: Mapping[str, str]

    def run(self, question: str, case: str, repetitions: int) -> Figures:
        """Run a question and return its figures.

        Raises:
            RuntimeError: it failed; the message has its output.
        """
        command = [sys.executable, "-m", f"benchmarks.{question}", "--repetitions"]
        command += [str(repetitions), *(["--case", case] if case else [])]
        roots = [str(self.root / "engine"), str(self.root / "server"), str(self.root)]
        environment = os.environ | self.settings
        environment["PYTHONPATH"] = os.pathsep.join(roots)
        environment[KEPT_VARIABLE] = ",".join(self.settings)
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"{question} failed in {self.root}:\n{done.stdout}{done.stderr}")
        return {
            (line.partition(" median_")[0], figure): float(value)
            for line in done.stdout.splitlines()
            for figure, value in _MEDIAN.findall(line)
        }


def parse_side(text: str) -> Side:
    """Return the side that a word on the command line means."""
    if "=" not in text:
        root = Path(text).resolve()
        if not (root / "benchmarks").is_dir():
            raise argparse.ArgumentTypeError(f"{root} is no checkout, and {text} no NAME=value")
        return Side(root=root, settings={})
    settings = dict(setting.split("=", 1) for setting in text.split(","))
    return Side(root=ROOT, settings=settings)


def compared(left: list[Figures], right: list[Figures]) -> list[str]:
    """Return a line for each figure that both sides have; a pair has one run of either."""
    lines = []
    for title, figure in left[0]:
        pairs = [
            (one[title, figure], other[title, figure])
            for one, other in zip(left, right, strict=True)
            if (title, figure) in other
        ]
        if not pairs:
            continue
        lefts, rights = zip(*pairs, strict=True)
        # A figure that counts something may be zero.
        ratios = [after / before for before, after in pairs if before]
        ratio = f"{median(ratios):.3f}" if ratios else "-"
        won_count = sum(after < before for before, after in pairs)
        lines.append(
            f"{title} {figure} left={rounded(median(lefts))} right={rounded(median(rights))} "
            f"right_by_left={ratio} right_less={won_count}/{len(pairs)}"
        )
    return lines


def main() -> None:
    """Measure both sides and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--question", required=True, help="the name of a file in benchmarks/")
    parser.add_argument("--case", default="", help="only cases with this in their title")
    parser.add_argument("--left", type=parse_side, required=True)
    parser.add_argument("--right", type=parse_side, required=True)
    parser.add_argument("--pairs", type=int, default=PAIRS_COUNT)
    parser.add_argument("--repetitions", type=int, default=2, help="in each run")
    options = parser.parse_args()
    sides: list[Side] = [options.left, options.right]
    seen: list[list[Figures]] = [[], []]
    for pair in range(options.pairs):
        for number in (0, 1) if pair % 2 == 0 else (1, 0):
            figures = sides[number].run(options.question, options.case, options.repetitions)
            seen[number].append(figures)
            name = ("left", "right")[number]
            cpu = " ".join(rounded(it) for (_, what), it in figures.items() if what == "cpu_us")
            print(f"pair={pair + 1} {name} cpu_us={cpu}", file=sys.stderr, flush=True)
    print("\n".join(compared(*seen)))


if __name__ == "__main__":
    main()
