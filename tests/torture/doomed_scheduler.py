"""A deployment with scheduled functions, in a process of its own that is killed at a random time.

``python -m tests.torture.doomed_scheduler`` is a nursery: it reads orders, one a line, forks a
process for each, and says ``died 9``, with the number of the signal, or ``died 0``.

Not here: what is found in the file afterwards (``scheduler_loop.py``, ``action_loop.py``).
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from livefile import App, Call, FunctionKind, Livefile
from tests.acceptance.server_process import ROOT
from tests.app_folder import write_app
from tests.torture.scratch import scratch_folder

_SOURCE = """
    import asyncio
    import os
    import random
    import time
    from livefile import *

    class Plan(Table, name="plans"):
        number: float
        job: str
        by_number = index("number")

    class Done(Table, name="done"):
        number: float
        at: float

    class Tick(Table, name="ticks"):
        at: float

    @mutation
    def work(ctx: MutationCtx, number: float, log: str) -> None:
        ctx.db.insert(Done(number=number, at=time.time() * 1000))
        if number % 10 == 7:  # Some cancel the next one, which may be due as well.
            ctx.run_mutation(cancel, number=number + 1)
        if number % 10 == 3:  # Some have a child, which is due at once.
            job = ctx.scheduler.run_after(0, work, number=number + 0.5, log=log)
            ctx.db.insert(Plan(number=number + 0.5, job=job))

    @action
    async def act(ctx: ActionCtx, number: float, log: str) -> None:
        # The world outside: what was done there cannot be taken back.
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{number}\\n".encode())
        os.close(file)
        await asyncio.sleep(0.005 * random.random())
        await ctx.run_mutation(note, number=number)

    @mutation
    def note(ctx: MutationCtx, number: float) -> None:
        ctx.db.insert(Done(number=number, at=time.time() * 1000))

    @mutation
    def plan(ctx: MutationCtx, first: float, delays: list[float], log: str) -> None:
        # With a log, it is actions that are planned.
        for offset, delay in enumerate(delays):
            number = first + offset
            function = act if log else work
            if delay >= 0:
                job = ctx.scheduler.run_after(delay, function, number=number, log=log)
            else:
                job = ctx.scheduler.run_at(time.time() + delay, function, number=number, log=log)
            ctx.db.insert(Plan(number=number, job=job))

    @mutation
    def cancel(ctx: MutationCtx, number: float) -> None:
        found = ctx.db.query(Plan.by_number.eq(number=number)).unique()
        if found is not None:
            ctx.scheduler.cancel(found.job)

    @mutation
    def tick(ctx: MutationCtx) -> None:
        ctx.db.insert(Tick(at=time.time() * 1000))

    @query
    def open_count(ctx: QueryCtx) -> float:
        jobs = ctx.db.system.query("_scheduled_functions").collect()
        return float(sum("completedTime" not in job for job in jobs))

    crons = Crons()
    crons.interval("tick", tick, seconds=1)
"""

_BATCH_COUNT = 20


@dataclass(frozen=True, slots=True)
class Order:
    """One life: ``count`` functions are planned, and then it is killed after ``kill_ms``.

    With ``is_early`` it is killed so long after its birth, whatever it has planned by then. With
    ``kill_ms`` None it ends by itself, once nothing is left to do.
    """

    path: str
    log: str
    seed: int
    first: int
    count: int
    kill_ms: float | None
    is_early: bool = False


class Nursery:
    """The process that deployments are born of."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.doomed_scheduler"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def run(self, order: Order) -> bool:
        """Run a deployment to its end; return whether it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(asdict(order))}\n")
        self._process.stdin.flush()
        word, number = self._process.stdout.readline().split()
        assert (word, number) in {("died", "9"), ("died", "0")}, (word, number)
        return number == "9"

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def load_app(folder: Path) -> App:
    """Write the app into a folder and load it."""
    return App.load(write_app(folder, {"jobs": _SOURCE}, "doomed"))


def _live(order: Order, app: App, planned: Callable[[], None]) -> None:
    """Plan functions, and cancel some at any time; call ``planned`` when all are durable."""
    random = Random(order.seed)
    with Livefile.open(order.path, app) as livefile:
        for first in range(order.first, order.first + order.count, _BATCH_COUNT):
            delays = [
                random.choice([0.0, 0.0, 0.05, -60.0, random.random() * 0.3])
                for _ in range(_BATCH_COUNT)
            ]
            _submit(livefile, "plan", {"first": float(first), "delays": delays, "log": order.log})
            for _ in range(3):
                number = random.randrange(order.first + order.count)
                _submit(livefile, "cancel", {"number": float(number)})
        livefile.mutation("jobs:cancel", number=-1.0)  # Answered after all before it.
        planned()
        if order.kill_ms is not None:
            threading.Event().wait()  # Death comes from outside.
        with livefile.watch("jobs:open_count") as watch:
            next(count for count in watch if count == 0)


def _submit(livefile: Livefile, name: str, args: dict[str, Any]) -> None:
    call = Call(path=f"jobs:{name}", args=args)
    livefile.submit(call, FunctionKind.MUTATION, lambda outcome: None)


def main() -> None:
    """Fork a deployment for each order, and tell of its death."""
    with scratch_folder() as folder:
        app = load_app(folder)
        for line in sys.stdin:
            order = Order(**json.loads(line))
            heard, said = os.pipe()
            child = os.fork()
            if child == 0:
                _live(order, app, partial(os.close, said))
                os._exit(0)
            os.close(said)
            if not order.is_early:
                os.read(heard, 1)  # Ends when the child closes its end.
            os.close(heard)
            if order.kill_ms is not None:
                time.sleep(order.kill_ms / 1000)
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            os.write(sys.stdout.fileno(), f"died {number}\n".encode())


if __name__ == "__main__":
    main()
