"""Questions: what sets up some cases, and how a question's file runs alone.

All questions of a run share one event loop, so that no socket falls silent while the cases of
another question have their turn.
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from benchmarks.load import Loader, loader
from benchmarks.measurement import REPETITIONS, Case, repeat
from benchmarks.table import table

Question = Callable[[Loader], AbstractContextManager[Sequence[Case]]]
"""Sets everything up, lends the cases of one question, and takes everything down."""


def print_question(question: Question) -> None:
    """Measure one question alone and print its lines: what every question's file does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--case", default="", help="only cases with this in their title")
    options = parser.parse_args()
    with loader() as load, question(load) as cases:
        chosen = [case for case in cases if options.case in case.title]
        results = repeat(chosen, options.repetitions)
    for result in results:
        print(result.line(), flush=True)
    if any(case.targets for case in chosen):
        print(f"\n{table(results)}")
