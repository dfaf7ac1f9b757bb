"""Every question with a target at once: ``make bench``.

All servers run side by side and the repetitions of all cases go in turn, so the figures of one
run can be compared with each other. Prints one line for each case, then the table of targets;
``--markdown`` leaves out the lines, but that of the disk, for docs/performance.md. Run:
``python -m benchmarks.run``.

Not here: questions that take minutes, or are about a limit and not about a cost; they run alone.
"""

import argparse
import os
import platform
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.delivery import delivery
from benchmarks.disjoint_subscriptions import disjoint_subscriptions
from benchmarks.engine_in_process import engine_in_process
from benchmarks.floor_transfer import floor_transfer
from benchmarks.fsync_probe import fsync_probe
from benchmarks.idle_memory import idle_memory
from benchmarks.insert import insert
from benchmarks.load import loader
from benchmarks.measurement import REPETITIONS, repeat
from benchmarks.million_documents import million_documents
from benchmarks.mutation_http import mutation_http
from benchmarks.mutation_websocket import mutation_websocket
from benchmarks.query_http import query_http
from benchmarks.question import Question
from benchmarks.server_under_test import ROOT
from benchmarks.start_up import start_up
from benchmarks.subscriber_memory import subscriber_memory
from benchmarks.table import table

QUESTIONS: Sequence[Question] = (
    fsync_probe,
    floor_transfer,
    engine_in_process,
    mutation_websocket,
    mutation_http,
    insert,
    query_http,
    delivery,
    subscriber_memory,
    disjoint_subscriptions,
    million_documents,
    start_up,
    idle_memory,
)


def machine() -> str:
    """Return one line about the machine and the code."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return (
        f"machine cores={os.cpu_count()} model={model!r} python={platform.python_version()} "
        f"linux={platform.release()} load={os.getloadavg()[0]:.1f} commit={commit or 'unknown'}"
    )


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument(
        "--markdown", action="store_true", help="print the table and the probe of the disk"
    )
    options = parser.parse_args()
    print(machine(), flush=True)
    with ExitStack() as stack:
        load = stack.enter_context(loader())
        cases = [case for question in QUESTIONS for case in stack.enter_context(question(load))]
        results = repeat(cases, options.repetitions)
    print(f"load_at_end={os.getloadavg()[0]:.1f} repetitions={options.repetitions}")
    for result in results:
        # The table has no row for the disk, and every durable figure stands on it.
        if not options.markdown or result.case.name == "fsync_probe":
            print(result.line())
    print(f"\n{table(results)}")


if __name__ == "__main__":
    main()
