"""R12: scheduled functions and a cron job in one thread, with a clock that jumps, under one seed.

Functions are planned, cancelled and run while the clock stands, goes on, or jumps an hour in either
direction; now and then everything that is not in the file is forgotten, between any two commits.
In the end time passes until nothing is to be done, and the file is judged as after kills.
"""

import shutil
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from livefile import App, Call, FunctionKind, Livefile, ManualClock
from tests.torture.doomed_scheduler import load_app
from tests.torture.figure import Figure, Size
from tests.torture.scheduler_loop import Found, violations
from tests.torture.scratch import scratch_folder

_SEEDS_COUNT = {Size.T1: 15, Size.T2: 2_000}
# A bug may need many seeds before it shows.
_SEEDS_UNTIL_FOUND_MAX = 60
_EVENTS_COUNT = 60
_BATCH_COUNT = 20
_HOUR_MS = 3_600_000.0
_ROUND_STEPS_COUNT = 40
# Far more than everything that is left to do can take.
_LAST_ROUNDS_COUNT_MAX = 20


class SchedulerSimulation:
    """One seed. ``run`` returns what was wrong."""

    def __init__(self, seed: int, app: App, folder: Path) -> None:
        self._random = Random(seed)
        self._app = app
        self._folder = folder
        self.clock = ManualClock()
        self._planned = 0
        self._lives = 0
        self.counts: Counter[str] = Counter()
        self._livefile = self._open()

    def run(self) -> list[str]:
        """Let things happen, then let everything come to its end."""
        for _ in range(_EVENTS_COUNT):
            self._event()
        self._livefile.step()  # All is planned.
        # Past every jump back and every delay.
        self.clock.advance_ms(_EVENTS_COUNT * _HOUR_MS)
        for _ in range(_LAST_ROUNDS_COUNT_MAX):
            if not self._livefile.query("jobs:open_count"):
                break
            for _ in range(_ROUND_STEPS_COUNT):
                self._livefile.step()
        self._livefile.close()
        found = Found.read(self._path)
        self.counts["planned"] += len(found.plans)
        return violations(found)

    @property
    def _path(self) -> Path:
        return self._folder / f"life{self._lives}.db"

    def _open(self) -> Livefile:
        return Livefile.open(
            self._path,
            self._app,
            clock=self.clock,
            seed=self._random.getrandbits(32),
            has_threads=False,
        )

    def _event(self) -> None:
        random = self._random
        match random.randrange(12):
            case 0 | 1:
                self._plan()
            case 2:
                self._submit("cancel", {"number": float(random.randrange(self._planned + 1))})
            case 3:
                self.clock.advance_ms(random.choice([-1, 1]) * random.random() * _HOUR_MS)
                self.counts["jumps"] += 1
            case 4:
                self._kill()
            case 5 | 6:
                self.clock.advance_ms(random.random() * 2_000)
        for _ in range(random.randrange(4)):
            self._livefile.step()

    def _plan(self) -> None:
        choice, dice = self._random.choice, self._random.random
        delays = [choice([0.0, 1.0, -60.0, dice() * 5]) for _ in range(_BATCH_COUNT)]
        self._submit("plan", {"first": float(self._planned), "delays": delays, "log": ""})
        self._planned += _BATCH_COUNT

    def _submit(self, name: str, args: dict[str, Any]) -> None:
        call = Call(path=f"jobs:{name}", args=args)
        self._livefile.submit(call, FunctionKind.MUTATION, lambda outcome: None)

    def _kill(self) -> None:
        """Go on with a copy of the file as it is now; whoever had it open is heard no more."""
        self.counts["kills"] += 1
        before, killed = self._path, self._livefile
        self._lives += 1
        for suffix in ("", "-wal"):
            source = before.with_name(before.name + suffix)
            if source.exists():
                shutil.copy(source, self._path.with_name(self._path.name + suffix))
        killed.close()
        before.unlink()
        self._livefile = self._open()


def find(seed: int) -> bool:
    """Tell whether a few simulations, drawn from ``seed``, find anything."""
    count = _SEEDS_UNTIL_FOUND_MAX
    with scratch_folder() as folder:
        app = load_app(folder)
        return any(
            _simulate(number, app, folder)[1] for number in range(seed * count, (seed + 1) * count)
        )


def measure(size: Size, seed: int) -> Figure:
    """Run simulations whose seeds are drawn from ``seed``."""
    started = time.perf_counter()
    dice, failures, counts = Random(seed), [], Counter[str]()
    with scratch_folder() as folder:
        app = load_app(folder)
        for _ in range(_SEEDS_COUNT[size]):
            drawn = dice.getrandbits(32)
            simulation, wrong = _simulate(drawn, app, folder)
            failures += [f"seed {drawn}: {text}" for text in wrong]
            counts += simulation.counts
    return Figure(
        id="R12",
        question="the clock jumps: every scheduled mutation runs exactly once, none early",
        cases=counts["planned"],
        cases_min=_SEEDS_COUNT[size] * _BATCH_COUNT,
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join([*failures[:3], f"{counts['jumps']} jumps, {counts['kills']} kills"]),
    )


def _simulate(seed: int, app: App, folder: Path) -> tuple[SchedulerSimulation, list[str]]:
    own = folder / f"seed{seed}"
    own.mkdir()
    simulation = SchedulerSimulation(seed, app, own)
    wrong = simulation.run()
    shutil.rmtree(own)
    return simulation, wrong
