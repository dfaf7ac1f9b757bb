"""How long does a count or a sum over a million documents take, and what does a write cost?

The engine runs in this process, on the caller's thread. Every query has arguments of its own, so
none is in the cache. ``call_us`` is a query that reads one document, for comparison: what any
query costs. Inserts are 100 in a mutation. Run: ``python -m benchmarks.counts``.
"""

import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from benchmarks.server_under_test import BENCH_APP
from livefile import Livefile

DOCUMENTS_COUNT = 1_000_000
_DOCUMENTS_PER_FILL = 2_000
_CALLS_COUNT = 400
_FILLS_COUNT = 40


def main() -> None:
    """Fill a file, then ask."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as folder:
        file = Path(folder) / "counts.db"
        with Livefile.open(file, BENCH_APP, seed=1, has_threads=False) as livefile:
            for kind in ("plain", "summarized"):
                _report_inserts(livefile, kind)
            for name in ("count_all", "count_half", "sum_half"):
                _report_query(livefile, name, _CALLS_COUNT)
            _report_query(livefile, "count_plain_half", 10)
            one = "accounts:find"
            _report("call", [_timed_us(livefile, one, name=f"{n}") for n in range(_CALLS_COUNT)])


def _report_inserts(livefile: Livefile, kind: str) -> None:
    """Fill a table, and time the last inserts, when it is full."""
    start = DOCUMENTS_COUNT - _FILLS_COUNT * 100
    for first in range(0, start, _DOCUMENTS_PER_FILL):
        end = min(first + _DOCUMENTS_PER_FILL, start)
        livefile.mutation("sales:fill", start=first, end=end, kind=kind)
    durations = []
    for first in range(start, DOCUMENTS_COUNT, 100):
        began = time.perf_counter()
        livefile.mutation("sales:fill", start=first, end=first + 100, kind=kind)
        durations.append((time.perf_counter() - began) * 1e6 / 100)
    _report(f"insert_{kind}", durations)


def _report_query(livefile: Livefile, name: str, calls_count: int) -> None:
    nonces = (float(number * 613 % 1000) for number in range(calls_count))
    _report(name, [_timed_us(livefile, f"sales:{name}", nonce=nonce) for nonce in nonces])


def _timed_us(livefile: Livefile, path: str, **args: object) -> float:
    began = time.perf_counter()
    livefile.query(path, **args)
    return (time.perf_counter() - began) * 1e6


def _report(name: str, durations_us: list[float]) -> None:
    p95 = quantiles(durations_us, n=20)[-1]
    print(
        f"{name} documents={DOCUMENTS_COUNT} median_us={median(durations_us):.0f} p95_us={p95:.0f}"
    )


if __name__ == "__main__":
    main()
