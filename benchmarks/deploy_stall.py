"""How long does a commit wait while a deploy goes through a large table?

A deployment with 200,000 documents of about 150 bytes; a steady stream of mutations, each timed
from the moment it was due until its answer; and a deploy that tightens a validator, adds a field
with a default and builds an index over it. Printed are the waits in quiet and during each stage of
the deploy; the target is 50 ms for the longest. Runs alone, in a minute or two:
``python -m benchmarks.deploy_stall``.
"""

import argparse
import gc
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from textwrap import dedent

from benchmarks.measurement import percentile, rounded
from livefile import App, Call, DeployProgress, Livefile, LivefileError, Outcome, Success
from livefile.functions.call import FunctionKind

BEFORE = """
    from livefile import Id, MutationCtx, Table, index, mutation

    class Reading(Table, name="readings"):
        sensor: str
        level: float
        note: str
        by_sensor = index("sensor")

    @mutation
    def fill(ctx: MutationCtx, start: int, end: int) -> None:
        for number in range(start, end):
            ctx.db.insert(Reading(sensor=f"s{number * 7919 % 100_003}", level=1.0, note="n" * 60))

    @mutation
    def add(ctx: MutationCtx, sensor: str) -> Id[Reading]:
        return ctx.db.insert(Reading(sensor=sensor, level=2.0, note="n" * 60))
"""
AFTER = BEFORE.replace(
    "level: float\n", 'level: int\n        place: str = "nowhere"\n'
).replace('by_sensor = index("sensor")', 'by_place = index("place", "note", "sensor")').replace(
    "level=1.0", "level=1"
).replace("level=2.0", "level=2")  # fmt: skip
FILL_COUNT = 5_000
INTERVAL_S = 0.004
QUIET_S = 5.0
BETWEEN_STAGES = "between_stages"


@dataclass(slots=True)
class Stream:
    """Mutations at a steady rate. ``waits_ms`` are theirs, by what the deployment was doing."""

    livefile: Livefile
    phase: str = "quiet"
    waits_ms: dict[str, list[float]] = field(default_factory=dict)
    failures: list[Outcome | LivefileError] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Submit one mutation after the other, each when it is due."""
        random = Random(1)
        due_s = time.perf_counter()
        while not self.is_over.is_set():
            due_s += INTERVAL_S
            time.sleep(max(0.0, due_s - time.perf_counter()))
            self._submit(due_s, f"s{random.randrange(100_003)}")

    def _submit(self, due_s: float, sensor: str) -> None:
        waits_ms = self.waits_ms.setdefault(self.phase, [])

        def done(outcome: Outcome | LivefileError) -> None:
            waits_ms.append((time.perf_counter() - due_s) * 1e3)
            if not isinstance(outcome, Success):
                self.failures.append(outcome)

        call = Call(path="readings:add", args={"sensor": sensor}, request_id="0" * 16)
        self.livefile.submit(call, FunctionKind.MUTATION, done)


def main() -> None:
    """Run it once and print one line for each phase."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=200_000)
    documents_count = parser.parse_args().documents
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        folder = Path(name)
        before, after = (_write_app(folder, *item) for item in _SOURCES.items())
        with Livefile.open(folder / "bench.db", before) as livefile:
            # As `livefile serve` has it: Python's own pauses are another question.
            gc.freeze()
            gc.set_threshold(20_000, 20, 100)
            for start in range(0, documents_count, FILL_COUNT):
                livefile.mutation("readings:fill", start=start, end=start + FILL_COUNT)
            stream, elapsed_s = _deploy_beside_stream(livefile, App.load(after))
    for phase, waits_ms in stream.waits_ms.items():
        print(
            f"deploy_stall phase={phase} documents={documents_count} calls={len(waits_ms)} "
            + _figures(waits_ms)
        )
    during = [wait for phase, them in stream.waits_ms.items() if phase != "quiet" for wait in them]
    print(f"deploy_stall phase=all deploy_s={elapsed_s:.1f} {_figures(during)} target_ms=50")
    if stream.failures:
        raise RuntimeError(f"{len(stream.failures)} mutations failed: {stream.failures[0]}")


_SOURCES: Mapping[str, str] = {"before": BEFORE, "after": AFTER}


def _deploy_beside_stream(livefile: Livefile, app: App) -> tuple[Stream, float]:
    stream = Stream(livefile)
    thread = threading.Thread(target=stream.run)
    thread.start()
    try:
        time.sleep(QUIET_S)
        stream.phase = "prepare"
        started_s = time.perf_counter()

        def heard(progress: DeployProgress) -> None:
            is_over = progress.done >= progress.count
            stream.phase = BETWEEN_STAGES if is_over else progress.stage.value.replace(" ", "_")

        livefile.deploy(app, heard)
        elapsed_s = time.perf_counter() - started_s
    finally:
        stream.is_over.set()
        thread.join()
    return stream, elapsed_s


def _write_app(folder: Path, name: str, source: str) -> Path:
    path = folder / f"bench_{name}"
    path.mkdir()
    (path / "readings.py").write_text(dedent(source))
    return path


def _figures(waits_ms: Sequence[float]) -> str:
    if not waits_ms:
        return "no calls"
    return " ".join(
        f"{name}_ms={rounded(percentile(waits_ms, percent))}"
        for name, percent in (("median", 50), ("p95", 95), ("p99", 99), ("longest", 100))
    )


if __name__ == "__main__":
    main()
