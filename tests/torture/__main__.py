"""Every torture at its release size, then every planted bug: ``make torture``.

Prints two tables, as docs/reliability.md has them. Each torture runs with seed 1 and with a fresh
one, which is printed. Ends with 1 if anything failed, was void, or was not found.
"""

import argparse
import importlib
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.torture.figure import Figure, Size
from tests.torture.planted import PLANTED

_SEED = 1
_PLANTED_SEEDS = range(20)
_FOUND_MIN = 19


def tortures(names: Sequence[str]) -> dict[str, Callable[[Size, int], Figure]]:
    """Return the ``measure`` of every torture, or of those named."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        if not path.stem.startswith("test_"):
            module = importlib.import_module(f"tests.torture.{path.stem}")
            if hasattr(module, "measure") and (not names or path.stem in names):
                found[path.stem] = module.measure
    return found


def row(figure: Figure, seed: int) -> str:
    """Return a figure as a row of the first table."""
    bound = f"{100 * figure.failure_rate_max:.2g} %" if not figure.failures else ""
    verdict = "void" if figure.is_void else "failed" if figure.failures else "ok"
    cells = [
        figure.id,
        figure.question,
        seed,
        f"{figure.cases:,}",
        figure.failures,
        bound,
        f"{figure.duration_s:.0f}",
        verdict,
    ]
    return f"| {' | '.join(map(str, cells))} |"


def main() -> int:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("names", nargs="*", help="only these tortures, and no planted bugs")
    parser.add_argument("--size", type=Size, default=Size.T2)
    parser.add_argument("--seed", type=int, default=None, help="this one instead of two")
    options = parser.parse_args()
    fresh_seed = secrets.randbelow(1_000_000)
    seeds = [_SEED, fresh_seed] if options.seed is None else [options.seed]
    print(f"size={options.size.value} seeds={','.join(map(str, seeds))}\n")
    print("| id | what is asked | seed | cases | failures | rate at most (95 %) | seconds | |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    is_good = True
    for measure in tortures(options.names).values():
        for seed in seeds:
            figure = measure(options.size, seed)
            is_good &= not (figure.is_void or figure.failures)
            print(row(figure, seed), flush=True)
            if figure.note:
                print(f"{figure.id}: {figure.note}", file=sys.stderr, flush=True)
    if not options.names:
        is_good &= _print_planted()
    return 0 if is_good else 1


def _print_planted() -> bool:
    """Look for every planted bug; return whether each was found often enough."""
    is_good = True
    print("\n| id | planted bug | found by | found with | seconds |")
    print("|---|---|---|---|---|", flush=True)
    for bug in PLANTED:
        started = time.perf_counter()
        count = bug.count_found(_PLANTED_SEEDS)
        duration_s = time.perf_counter() - started
        is_good &= count >= _FOUND_MIN
        cells = [bug.id, bug.description, bug.found_by, f"{count} of {len(_PLANTED_SEEDS)}"]
        print(f"| {' | '.join(cells)} | {duration_s:.0f} |", flush=True)
    return is_good


if __name__ == "__main__":
    sys.exit(main())
