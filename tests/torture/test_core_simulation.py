import os
import subprocess
import sys
from pathlib import Path

from tests.torture.core_simulation import measure
from tests.torture.figure import Size

ROOT = Path(__file__).parents[2]


def traces_of(seeds: range, hash_seed: int) -> list[str]:
    """Run simulations in a process of their own; return a line for each."""
    command = [sys.executable, "-m", "tests.torture.core_simulation", *map(str, seeds)]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_everything_that_clients_see_is_right() -> None:
    measure(Size.T1, seed=1).check()


def test_the_same_seed_gives_the_same_trace() -> None:
    seeds = range(12)
    first = traces_of(seeds, hash_seed=1)
    second = traces_of(seeds, hash_seed=2)

    assert len(set(first)) == len(seeds)
    assert first == second
