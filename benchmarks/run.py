"""Every question at once: ``make bench``.

All servers run side by side and the repetitions of all cases go in turn, so the figures of one
run can be compared with each other. Prints one line for each case, then a table of those with a
target or a floor, as docs/performance.md has it. Run: ``python -m benchmarks.run``.
"""

import argparse
import os
import platform
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.commit_log_cost import commit_log_cost
from benchmarks.disjoint_subscriptions import disjoint_subscriptions
from benchmarks.engine_in_process import engine_in_process
from benchmarks.fan_out import fan_out
from benchmarks.floors import floors
from benchmarks.fsync_probe import fsync_probe
from benchmarks.idle_memory import idle_memory
from benchmarks.load import loader
from benchmarks.measurement import REPETITIONS, Result, repeat, rounded
from benchmarks.mutation_http import mutation_http
from benchmarks.mutation_websocket import mutation_websocket
from benchmarks.query_http import query_http
from benchmarks.question import Question
from benchmarks.server_under_test import ROOT
from benchmarks.start_up import start_up

QUESTIONS: Sequence[Question] = (
    fsync_probe,
    floors,
    engine_in_process,
    commit_log_cost,
    mutation_websocket,
    mutation_http,
    query_http,
    fan_out,
    disjoint_subscriptions,
    start_up,
    idle_memory,
)

_HEADER = "| case | figure | target | measured | spread | floor | times the floor |"


def table(results: Sequence[Result]) -> str:
    """Return a table in Markdown of the results that have a target or a floor."""
    by_title = {result.case.title: result for result in results}
    rows = [_HEADER, "|---" * _HEADER.count(" | ") + "|---|"]
    for result in results:
        target = result.case.target
        if target is None and not result.case.floor:
            continue
        figure = "cpu_us" if target is None else target.figure
        measured, medians = result.median(figure), result.medians[figure]
        floor = sum(by_title[title].median(figure) for title in result.case.floor)
        cells = [
            result.case.title,
            figure,
            "" if target is None else rounded(target.at_most),
            rounded(measured),
            f"{rounded(min(medians))} to {rounded(max(medians))}",
            rounded(floor) if floor else "",
            f"{measured / floor:.1f}" if floor else "",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


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
    repetitions = parser.parse_args().repetitions
    print(machine(), flush=True)
    with ExitStack() as stack:
        load = stack.enter_context(loader())
        cases = [case for question in QUESTIONS for case in stack.enter_context(question(load))]
        results = repeat(cases, repetitions)
    print(f"load_at_end={os.getloadavg()[0]:.1f}")
    for result in results:
        print(result.line())
    print(f"\n{table(results)}")


if __name__ == "__main__":
    main()
