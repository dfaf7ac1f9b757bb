"""How long does it take from the command to the first answer?

The clock starts when ``livefile serve`` is started and stops when ``GET /version`` is answered; a
file with 1,000 documents is there already, or is made anew. ``cpu_ms`` is what the process used
until then. Run: ``python -m benchmarks.start_up``.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import ServerProcess, free_port, measure_start, serve_command
from benchmarks.workload import add_accounts

DURATION_MS_MAX = 250


@contextmanager
def start_up(load: Loader) -> Iterator[Sequence[Case]]:
    """Make a file, and lend the cases."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        folder = Path(name)
        database = folder / "filled.db"
        port = free_port()
        server = ServerProcess(serve_command(database, port), port, folder / "output")
        try:
            add_accounts(load, port)
        finally:
            server.stop()
        yield [
            Case(
                name="start_up",
                parameters={"file": file},
                measure=partial(_start, database, is_new=file == "new"),
                targets=[Target("duration_ms", DURATION_MS_MAX)],
            )
            for file in ("filled", "new")
        ]


def _start(database: Path, *, is_new: bool) -> Sample:
    if not is_new:
        return measure_start(database)
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        return measure_start(Path(name) / "new.db")


if __name__ == "__main__":
    print_question(start_up)
