"""How long does a commit wait while the file is being backed up?

One caller commits small mutations one after the other on a file of 100,000 documents: for as long
as a backup takes, and for as long again without one, in turn. ``backup_ms`` is the whole backup
with its check, ``copied_mib`` the size of the file. Run: ``python -m benchmarks.backup_stall``.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question
from benchmarks.server_under_test import BENCH_APP
from livefile import Livefile

DOCUMENTS_COUNT = 100_000
FILL_SIZE = 2_000
QUIET_S = 0.5


@contextmanager
def backup_stall(_: Loader) -> Iterator[Sequence[Case]]:
    """Open and fill a deployment, and lend the cases."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="livefile-bench-")))
        livefile = stack.enter_context(Livefile.open(folder / "live.db", BENCH_APP, seed=1))
        for start in range(0, DOCUMENTS_COUNT, FILL_SIZE):
            livefile.mutation("readings:fill", start=start, end=start + FILL_SIZE, step=1.0)
        yield [
            Case("backup_stall", partial(_measure, livefile, _wait), {"backup": "no"}),
            Case("backup_stall", partial(_measure, livefile, _back_up), {"backup": "yes"}),
        ]


def _measure(livefile: Livefile, meanwhile: Callable[[Livefile], dict[str, float]]) -> Sample:
    waits_ms: list[float] = []
    stopped = threading.Event()

    def commit() -> None:
        number = 0
        while not stopped.is_set():
            started = time.perf_counter()
            livefile.mutation("readings:put", place=float(number % DOCUMENTS_COUNT), amount=1.0)
            waits_ms.append((time.perf_counter() - started) * 1_000)
            number += 7

    committer = threading.Thread(target=commit)
    committer.start()
    facts = meanwhile(livefile)
    stopped.set()
    committer.join()
    waits_ms.sort()
    return {
        "commit_ms": waits_ms,
        "commit_max_ms": [waits_ms[-1]],
        **{name: [value] for name, value in facts.items()},
    }


def _wait(livefile: Livefile) -> dict[str, float]:
    time.sleep(QUIET_S)
    return {}


def _back_up(livefile: Livefile) -> dict[str, float]:
    target = livefile.path.with_name("copy.db")
    started = time.perf_counter()
    report = livefile.upkeep.back_up(target)
    duration_ms = (time.perf_counter() - started) * 1_000
    target.unlink()
    return {"backup_ms": duration_ms, "copied_mib": report.size_bytes / (1 << 20)}


if __name__ == "__main__":
    print_question(backup_stall)
