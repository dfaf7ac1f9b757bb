"""R11: does every scheduled action run at most once, whatever is killed when?

As R12 (``scheduler_loop.py``), but it is actions that are planned. Each first writes its number
into a log outside of the database, where nothing is ever taken back.
"""

import time
from collections import Counter
from collections.abc import Sequence

from tests.torture.figure import Figure, Size
from tests.torture.scheduler_loop import Found, planned_min, run_lives
from tests.torture.scratch import scratch_folder

_KILLS = {Size.T1: 9, Size.T2: 100}
_LIFE_FUNCTIONS_COUNT = {Size.T1: 80, Size.T2: 100}
# A kill that meets no action shows nothing.
_LOST_MIN = {Size.T1: 3, Size.T2: 50}
_LOST = {"kind": "failed", "error": "Transient error while executing action"}


def measure(size: Size, seed: int) -> Figure:
    """Kill deployments and compare what is in the file with what was done outside."""
    started = time.perf_counter()
    with scratch_folder() as folder:
        found = run_lives(folder, seed, _KILLS[size], _LIFE_FUNCTIONS_COUNT[size], has_actions=True)
        numbers = [float(line) for line in (folder / "log").read_text().split()]
    failures = violations(found, numbers)
    lost = sum(job["state"] == _LOST for job in found.jobs.values())
    return Figure(
        id="R11",
        question="kill -9: every scheduled action runs at most once, and says when it was cut off",
        cases=len(found.plans) if lost >= _LOST_MIN[size] else 0,
        cases_min=planned_min(_KILLS[size], _LIFE_FUNCTIONS_COUNT[size]),
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join([*failures[:3], f"{len(numbers)} ran, {lost} of them cut off"]),
    )


def violations(found: Found, numbers: Sequence[float]) -> list[str]:
    """Return what is wrong: actions that ran twice, or whose state is not what was done."""
    wrong = []
    begun, done = Counter(numbers), Counter(row["number"] for row in found.done)
    for plan in found.plans:
        number, state = plan["number"], found.jobs[plan["job"]]["state"]
        times, ends = begun[number], done[number]
        match state["kind"]:
            case "success":
                is_right = times == ends == 1
            case "failed":
                is_right = state == _LOST and times <= 1 and ends <= times
            case "canceled":
                is_right = times <= 1 and ends <= times
            case _:
                is_right = False
        if not is_right:
            wrong.append(f"{number} is {state}, began {times} times and ended {ends} times")
    return wrong
