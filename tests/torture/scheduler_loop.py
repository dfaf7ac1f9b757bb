"""R12: does every scheduled mutation run exactly once, whatever is killed when?

A deployment plans functions, due at once, in the past or soon, some with children; it cancels some
of them at any time, and has a cron job. It is killed at random, over and over on one file. The last
one is left alone until nothing is to be done. Then the file is judged.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from livefile import Livefile
from livefile.model.index_range import BY_CREATION_TIME
from livefile.model.interval import EVERYTHING
from livefile.transaction.transaction import Transaction
from tests.torture.doomed_scheduler import Nursery, Order
from tests.torture.figure import Figure, Size
from tests.torture.scratch import scratch_folder

_KILLS = {Size.T1: 15, Size.T2: 150}
_LIFE_FUNCTIONS_COUNT = {Size.T1: 100, Size.T2: 500}
_KILL_MS_MAX = 200.0
# One in so many lives is killed before it has planned all.
_EARLY_EVERY = 3

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What is in the file in the end, oldest first."""

    plans: list[Row]
    done: list[Row]
    ticks: list[Row]
    jobs: dict[str, Row]
    crons: list[Row]

    @classmethod
    def read(cls, path: Path) -> "Found":
        with Livefile.open(path, has_threads=False, has_scheduler=False) as livefile:
            return livefile._system.read(_read)


def run_lives(folder: Path, seed: int, kills: int, count: int, *, has_actions: bool) -> Found:
    """Kill so many deployments on one file, let one end well, and return what it left."""
    random = Random(seed)
    path, log = folder / "live.db", str(folder / "log") if has_actions else ""
    with Nursery() as nursery:
        for life in range(kills + 1):
            order = Order(
                path=str(path),
                log=log,
                seed=random.getrandbits(32),
                first=life * count,
                count=count,
                kill_ms=random.uniform(0, _KILL_MS_MAX) if life < kills else None,
                is_early=life < kills and life % _EARLY_EVERY == 0,
            )
            was_killed = nursery.run(order)
            assert was_killed == (life < kills), "a life did not end as it should"
    return Found.read(path)


def measure(size: Size, seed: int) -> Figure:
    """Kill deployments and judge what they did."""
    started = time.perf_counter()
    with scratch_folder() as folder:
        found = run_lives(
            folder, seed, _KILLS[size], _LIFE_FUNCTIONS_COUNT[size], has_actions=False
        )
    failures = violations(found)
    states = Counter(job["state"]["kind"] for job in found.jobs.values())
    return Figure(
        id="R12",
        question="kill -9: every scheduled mutation runs exactly once, none early",
        cases=len(found.plans) if found.ticks else 0,
        cases_min=planned_min(_KILLS[size], _LIFE_FUNCTIONS_COUNT[size]),
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join([*failures[:3], f"{dict(states)}, {len(found.ticks)} ticks"]),
    )


def planned_min(kills: int, count: int) -> int:
    """Return how many functions are planned at least in so many lives."""
    return (kills * (_EARLY_EVERY - 1) // _EARLY_EVERY + 1) * count


def violations(found: Found) -> list[str]:
    """Return what is wrong: functions that did not run once, ran early, or are not over."""
    wrong = []
    done = Counter(row["number"] for row in found.done)
    at = {row["number"]: row["at"] for row in found.done}
    if len(found.plans) != len(found.jobs):
        wrong.append(f"{len(found.plans)} were planned, {len(found.jobs)} are there")
    for plan in found.plans:
        number, job = plan["number"], found.jobs[plan["job"]]
        kind, times = job["state"]["kind"], done[number]
        if (kind, times) not in {("success", 1), ("canceled", 0)}:
            wrong.append(f"{number} is {job['state']} and ran {times} times")
        elif times and at[number] < job["scheduledTime"] - 0.001:
            wrong.append(f"{number} ran {job['scheduledTime'] - at[number]} ms early")
    return wrong + tick_violations(found, period_ms=1000)


def tick_violations(found: Found, period_ms: float) -> list[str]:
    """Return the beats of the cron job that it ran twice."""
    (cron,) = found.crons
    beats = Counter((row["at"] - cron["scheduledTime"]) // period_ms for row in found.ticks)
    return [f"beat {beat} ran {times} times" for beat, times in beats.items() if times > 1]


def _read(transaction: Transaction) -> Found:
    def rows(name: str) -> list[Row]:
        table = transaction.catalog.tables[name]
        return list(transaction.scan(table, table.indexes[BY_CREATION_TIME], EVERYTHING))

    return Found(
        plans=rows("plans"),
        done=rows("done"),
        ticks=rows("ticks"),
        jobs={str(job["_id"]): job for job in rows("_scheduled_functions")},
        crons=rows("_cron_jobs"),
    )
