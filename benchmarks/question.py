"""Questions: what sets up some cases, and how a question's file runs alone.

All questions of a run share one event loop, so that no socket falls silent while the cases of
another question have their turn.
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from benchmarks.load import Loader, loader
from benchmarks.measurement import REPETITIONS, Case, repeat

Question = Callable[[Loader], AbstractContextManager[Sequence[Case]]]
"""Sets everything up, lends the cases of one question, and takes everything down."""


def print_question(question: Question) -> None:
    """Measure one question alone and print its lines: what every question's file does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    repetitions = parser.parse_args().repetitions
    with loader() as load, question(load) as cases:
        for result in repeat(cases, repetitions):
            print(result.line(), flush=True)
