"""What does the commit log cost per commit?

The same transfers, 64 in a group, by three deployments of this process: one as it is, one whose
commits leave no row in the log, and one that does not encode the call for the row either. The
price is less than what the machine's noise moves each of them, so every repetition runs all
three, in a shuffled order, and reports differences: ``row_us`` for the row, ``record_us`` for the
call in it. ``row_bytes`` is what a commit adds to the log. Needs more repetitions than others.
Run: ``python -m benchmarks.commit_log_cost --repetitions 40``.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.engine_in_process import (
    CALLS_COUNT,
    IN_FLIGHT,
    add_accounts,
    run_calls,
    transfer_calls,
)
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question
from benchmarks.server_under_test import BENCH_APP
from benchmarks.workload import ACCOUNTS_COUNT
from livefile import Call, FunctionKind, Livefile
from livefile.functions.runner import Runner
from livefile.model.write import DocumentWrite
from livefile.sqlite.commit_log import CommitLog

LOGS = ("row", "no_row", "no_row_no_record")


class RowlessLog(CommitLog):
    """A commit log that only keeps the timestamp. No deployment could run on it for long."""

    def append(self, ts: int, writes: Sequence[DocumentWrite], call: bytes) -> None:
        """Add nothing."""
        self.last_ts = ts


class RecordlessRunner(Runner):
    """A runner that does not encode its calls."""

    def _record(self, *_: object, **__: object) -> bytes:
        return b""


@contextmanager
def commit_log_cost(_: Loader) -> Iterator[Sequence[Case]]:
    """Open the three deployments, and lend the case."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="livefile-bench-")))
        deployments = {}
        for log in LOGS:
            livefile = stack.enter_context(
                Livefile.open(folder / f"{log}.db", BENCH_APP, seed=1, has_threads=False)
            )
            add_accounts(livefile, ACCOUNTS_COUNT)
            # The engine has no switch for this, and should have none. So the objects that are
            # there get other classes, which need nothing more than theirs.
            if log != "row":
                livefile._database.committer._log.__class__ = RowlessLog
            if log == "no_row_no_record":
                livefile._runner.__class__ = RecordlessRunner
            deployments[log] = livefile
        measure = partial(_measure, deployments, transfer_calls(), Random(1))
        yield [Case("commit_log_cost", measure, {"in_flight": IN_FLIGHT})]


def _measure(deployments: Mapping[str, Livefile], calls: Iterator[Call], random: Random) -> Sample:
    log = deployments["row"]._database.committer._log
    started_bytes = log._end_offset
    cpu_us = {}
    for name in random.sample(LOGS, len(LOGS)):
        sample = run_calls(deployments[name], FunctionKind.MUTATION, calls, IN_FLIGHT)
        cpu_us[name] = sample["cpu_us"][0]
    return {
        "cpu_us": [cpu_us["row"]],
        "row_us": [cpu_us["row"] - cpu_us["no_row"]],
        "record_us": [cpu_us["no_row"] - cpu_us["no_row_no_record"]],
        "row_bytes": [(log._end_offset - started_bytes) / CALLS_COUNT],
    }


if __name__ == "__main__":
    print_question(commit_log_cost)
