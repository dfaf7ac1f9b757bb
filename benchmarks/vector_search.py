"""How long does a vector search take, how much of what is nearest does it find, what is an insert?

The engine runs in this process. The vectors are real embeddings: a file of 32-bit floats, 384 to
a sentence, made by ``benchmarks/embed_sentences.py``; the last 200 are what is searched for.
``recall`` is the share of the sentences found by the exact search that the fast one finds too.
``nothing`` is an action without a search, for comparison. Inserts are 10 in a mutation; their
figure is CPU time, because a mutation waits for the disk. Run:
``python -m benchmarks.vector_search embeddings.f32``.
"""

import argparse
import tempfile
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any

from benchmarks.server_under_test import BENCH_APP
from livefile import Livefile

DIMENSIONS = 384
DOCUMENTS_COUNTS = (10_000, 100_000)
_DOCUMENTS_PER_FILL = 10
_INSERTS_TIMED_COUNT = 2_000
_QUERIES_COUNT = 200
_EXACT_QUERIES_COUNT = 40  # Of those for many results.
_VECTOR_SIZE_BYTES = 4 * DIMENSIONS


def main() -> None:
    """Fill a file, then search: with ten thousand sentences, then with all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("embeddings", type=Path)
    file = parser.parse_args().embeddings
    sentences_count = file.stat().st_size // _VECTOR_SIZE_BYTES - _QUERIES_COUNT
    queries = _embeddings(file, sentences_count, sentences_count + _QUERIES_COUNT)
    with (
        tempfile.TemporaryDirectory(prefix="livefile-bench-") as folder,
        Livefile.open(Path(folder) / "sentences.db", BENCH_APP, seed=1) as livefile,
    ):
        done = 0
        for wanted in DOCUMENTS_COUNTS:
            count = min(wanted, sentences_count)
            for kind in ("plain", "indexed"):
                _report_inserts(livefile, file, range(done, count), kind)
            done = count
            _report_searches(livefile, queries, count)


def _report_inserts(livefile: Livefile, file: Path, numbers: range, kind: str) -> None:
    """Fill a table, and time the last inserts, when it is full."""
    durations = []
    timed_from = numbers.stop - _INSERTS_TIMED_COUNT
    for start in range(numbers.start, numbers.stop, _DOCUMENTS_PER_FILL):
        embeddings = _embeddings(file, start, min(start + _DOCUMENTS_PER_FILL, numbers.stop))
        began = time.process_time()
        livefile.mutation("sentences:fill", start=start, embeddings=embeddings, kind=kind)
        if start >= timed_from:
            durations.append((time.process_time() - began) * 1e6 / len(embeddings))
    print(f"insert_{kind} documents={numbers.stop} {_figures(durations, 'cpu_us')}", flush=True)


def _report_searches(livefile: Livefile, queries: Sequence[list[float]], count: int) -> None:
    for limit, asked in ((10, queries), (256, queries[:_EXACT_QUERIES_COUNT])):
        exact = _timed(livefile.query, "nearest_exactly", asked, limit)
        fast = _timed(livefile.action, "nearest", asked, limit)
        pairs = zip(fast.found, exact.found, strict=True)
        recall = mean(len(set(found) & set(right)) / limit for found, right in pairs)
        exact.report("exact", count, limit)
        fast.report("nearest", count, limit, f" recall={recall:.4f}")
    for name in ("nearest_of_shelf", "nothing"):
        _timed(livefile.action, name, queries, 10).report(name, count, 10)


@dataclass(frozen=True, slots=True)
class _Timed:
    """What searches found, and how long each took."""

    found: list[list[str]]
    durations_ms: list[float]
    cpu_ms: list[float]

    def report(self, name: str, count: int, limit: int, more: str = "") -> None:
        """Print the line of one case."""
        figures = f"{_figures(self.durations_ms, 'ms')} {_figures(self.cpu_ms, 'cpu_ms')}"
        print(f"{name} documents={count} limit={limit} {figures}{more}", flush=True)


def _timed(
    call: Callable[..., Any], name: str, queries: Sequence[list[float]], limit: int
) -> _Timed:  # Any: the app is called by path.
    timed = _Timed([], [], [])
    for embedding in queries:
        began, cpu_before = time.perf_counter(), time.process_time()
        timed.found.append(call(f"sentences:{name}", embedding=embedding, limit=limit))
        timed.durations_ms.append((time.perf_counter() - began) * 1000)
        timed.cpu_ms.append((time.process_time() - cpu_before) * 1000)
    return timed


def _figures(durations: Sequence[float], unit: str) -> str:
    p95 = quantiles(durations, n=20)[-1]
    return f"median_{unit}={median(durations):.3g} p95_{unit}={p95:.3g}"


def _embeddings(file: Path, start: int, end: int) -> list[list[float]]:
    """Return some of the embeddings in the file."""
    with file.open("rb") as opened:
        opened.seek(start * _VECTOR_SIZE_BYTES)
        floats = array("f", opened.read((end - start) * _VECTOR_SIZE_BYTES))
    return [list(floats[first : first + DIMENSIONS]) for first in range(0, len(floats), DIMENSIONS)]


if __name__ == "__main__":
    main()
