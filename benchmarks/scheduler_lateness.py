"""How late does a scheduled function begin while nothing else happens?

Functions are scheduled at moments that nobody else chose, up to a second ahead, and each writes
down when it began; the deployment is in this process and its file on the disk of the folder for
temporary files. Run: ``python -m benchmarks.scheduler_lateness``.
"""

import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question
from livefile import App, Livefile

FUNCTIONS_COUNT = 100
LATENESS_MS_MAX = 250

_SOURCE = textwrap.dedent(
    """
    from livefile import *

    @mutation
    def work(ctx: MutationCtx) -> None: ...

    @mutation
    def schedule(ctx: MutationCtx, delays: list[float]) -> None:
        for delay in delays:
            ctx.scheduler.run_after(delay, work)

    @query
    def lateness_ms(ctx: QueryCtx) -> list[float]:
        jobs = ctx.db.system.query("_scheduled_functions").collect()
        over = [job for job in jobs if "completedTime" in job]
        return [job["completedTime"] - job["scheduledTime"] for job in over]
    """
)


@contextmanager
def scheduler_lateness(_: Loader) -> Iterator[Sequence[Case]]:
    """Write the app, and lend the one case."""
    random = Random(1)
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as folder:
        app = Path(folder) / "lateness"
        app.mkdir()
        (app / "jobs.py").write_text(_SOURCE)
        loaded = App.load(app)
        yield [
            Case(
                name="scheduler_lateness",
                parameters={"functions": FUNCTIONS_COUNT},
                measure=lambda: _measure(loaded, Path(folder), random),
                targets=[Target("lateness_ms", LATENESS_MS_MAX, percent=99)],
            )
        ]


def _measure(app: App, folder: Path, random: Random) -> Sample:
    delays = [random.random() for _ in range(FUNCTIONS_COUNT)]
    with Livefile.open(folder / f"{random.getrandbits(64):x}.db", app) as livefile:
        livefile.mutation("jobs:schedule", delays=delays)
        with livefile.watch("jobs:lateness_ms") as watch:
            found: list[float] = next(seen for seen in watch if len(seen) == FUNCTIONS_COUNT)
    return {"lateness_ms": found}


if __name__ == "__main__":
    print_question(scheduler_lateness)
