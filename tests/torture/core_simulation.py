"""R13: the whole server core in one thread, under one seed each, with crashes inside.

Not here: the simulation itself (``tests/simulation/core_simulation.py``). Run one seed again, and
see the hash of its trace: ``python -m tests.torture.core_simulation SEED``.
"""

import sys
import time
from collections import Counter
from random import Random

from livefile import LivefileError
from tests.simulation.core_simulation import CoreSimulation
from tests.simulation.slowness import Slow
from tests.torture.figure import Figure, Size

_SEEDS_COUNT = {Size.T1: 200, Size.T2: 20_000}
# Of these, one in so many begins with every function slow.
_ALL_SLOW_EVERY = 10
# Fewer frames than this that reached a client make a simulation too quiet to count.
_FRAMES_MIN = 20


def measure(size: Size, seed: int) -> Figure:
    """Run simulations whose seeds are drawn from ``seed``."""
    started_s = time.perf_counter()
    counts: Counter[str] = Counter()
    cases, failed = 0, []
    dice = Random(seed)
    for number in range(_SEEDS_COUNT[size]):
        drawn = dice.getrandbits(32)
        simulation = CoreSimulation(drawn, Slow.ALL if number % _ALL_SLOW_EVERY == 0 else None)
        error = failure_of(simulation)
        cases += error is not None or simulation.counts["read"] >= _FRAMES_MIN
        if error is not None:
            failed.append(f"seed {drawn} ({simulation.slow.value} slow): {error}")
        counts += simulation.counts
    return Figure(
        id="R13",
        question="Is everything that clients see right, whatever dies, hangs or is cut?",
        cases=cases,
        cases_min=_SEEDS_COUNT[size] * 9 // 10,
        failures=len(failed),
        duration_s=time.perf_counter() - started_s,
        note=failed[0] if failed else _traffic(counts),
    )


def failure_of(simulation: CoreSimulation) -> Exception | None:
    """Run a simulation and return what was wrong with the server, None if nothing was."""
    try:
        simulation.run()
    except (AssertionError, LivefileError) as error:
        return error
    return None


def _traffic(counts: Counter[str]) -> str:
    names = {
        "read": "frames",
        "request": "mutations",
        "cut": "cuts",
        "kill": "kills",
        "slowly": "slow steps",
    }
    return ", ".join(f"{counts[kind]} {name}" for kind, name in names.items())


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        chosen = CoreSimulation(int(argument))
        chosen.run()
        print(argument, chosen.trace)
