"""What do mutations and queries cost inside the engine, without any server?

A transfer between two of 1,000 accounts, one or 64 submitted at a time, an insert of one small
document, and reading one document, by its id or by an index, whose result is in the query cache or
is not. The whole engine runs on this one thread, so a
profiler sees all of it: ``--profile`` prints where the time goes. Run:
``python -m benchmarks.engine_in_process``.
"""

import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path

import orjson

from benchmarks.load import Loader, loader
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question
from benchmarks.server_under_test import BENCH_APP
from benchmarks.workload import transfers
from livefile import Call, FunctionKind, Livefile, LivefileError, Outcome, Success, Value, limits

IN_FLIGHT = 64
CALLS_COUNT = 3_200
UNCACHED_COUNT = 2 * limits.QUERY_CACHE_ENTRIES_MAX
_FILL_COUNT = 5_000
_REQUEST_ID = "0123456789abcdef"


@contextmanager
def engine_in_process(_: Loader) -> Iterator[Sequence[Case]]:
    """Open a deployment without threads, and lend the cases."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        livefile = Livefile.open(Path(name) / "bench.db", BENCH_APP, seed=1, has_threads=False)
        with livefile:
            ids = add_accounts(livefile, UNCACHED_COUNT)
            mutation, query = FunctionKind.MUTATION, FunctionKind.QUERY
            yield [
                _case(livefile, "transfer", mutation, transfer_calls(), 1),
                _case(livefile, "transfer", mutation, transfer_calls(), IN_FLIGHT),
                _case(livefile, "insert", mutation, _inserts(), IN_FLIGHT),
                _case(livefile, "get_hit", query, _gets(ids[:100]), IN_FLIGHT),
                _case(livefile, "get_miss", query, _gets(ids), IN_FLIGHT),
                _case(livefile, "find_miss", query, _finds(), IN_FLIGHT),
            ]


def run_calls(
    livefile: Livefile, kind: FunctionKind, calls: Iterator[Call], in_flight: int
) -> Sample:
    """Run calls in groups on this thread and return the CPU time of each."""
    outcomes: list[Outcome | LivefileError] = []
    started_cpu_s, started_s = time.process_time(), time.perf_counter()
    for _ in range(CALLS_COUNT // in_flight):
        for call in islice(calls, in_flight):
            livefile.submit(call, kind, outcomes.append)
        livefile.step()
    cpu_s, elapsed_s = time.process_time() - started_cpu_s, time.perf_counter() - started_s
    check_outcomes(outcomes, CALLS_COUNT)
    return {"cpu_us": [cpu_s / CALLS_COUNT * 1e6], "duration_us": [elapsed_s / CALLS_COUNT * 1e6]}


def check_outcomes(outcomes: Sequence[Outcome | LivefileError], count: int) -> None:
    """Raise ``RuntimeError`` unless there are ``count`` outcomes and all are successes."""
    failures = [outcome for outcome in outcomes if not isinstance(outcome, Success)]
    if failures or len(outcomes) != count:
        raise RuntimeError(f"{len(outcomes)} outcomes of {count}, failed: {failures[:1]}")


def add_accounts(livefile: Livefile, count: int) -> list[str]:
    """Add accounts to a deployment without threads and return their ids."""
    ids: list[str] = []
    for start in range(0, count, _FILL_COUNT):
        args = {"start": float(start), "end": float(min(start + _FILL_COUNT, count))}
        outcomes: list[Outcome | LivefileError] = []
        call = Call(path="accounts:fill", args=args, request_id=_REQUEST_ID)
        livefile.submit(call, FunctionKind.MUTATION, outcomes.append)
        livefile.step()
        check_outcomes(outcomes, 1)
        assert isinstance(outcomes[0], Success)
        ids.extend(orjson.loads(outcomes[0].json))
    return ids


def transfer_calls() -> Iterator[Call]:
    """Yield transfers without end."""
    return cycle(
        [
            Call(path="accounts:transfer", args=orjson.loads(args), request_id=_REQUEST_ID)
            for args in transfers(seed=1)
        ]
    )


def _gets(ids: Sequence[str]) -> Iterator[Call]:
    return cycle([Call(path="accounts:get", args={"id": id}, request_id=_REQUEST_ID) for id in ids])


def _finds() -> Iterator[Call]:
    """Yield reads of accounts by their names without end; each comes again when it is forgotten."""
    for number in cycle(range(UNCACHED_COUNT)):
        args: dict[str, Value] = {"name": f"account-{number}"}
        yield Call(path="accounts:find", args=args, request_id=_REQUEST_ID)


def _inserts() -> Iterator[Call]:
    """Yield inserts of new accounts without end."""
    for number in count():
        args: dict[str, Value] = {"name": f"new-{number}", "balance": 1.0}
        yield Call(path="accounts:insert", args=args, request_id=_REQUEST_ID)


def _case(
    livefile: Livefile, what: str, kind: FunctionKind, calls: Iterator[Call], in_flight: int
) -> Case:
    return Case(
        name="engine_in_process",
        parameters={"call": what, "in_flight": in_flight},
        measure=partial(run_calls, livefile, kind, calls, in_flight),
        floor=f"floor_transfer group={in_flight}" if what == "transfer" else None,
    )


def _profile() -> None:
    with loader() as load, engine_in_process(load) as cases:
        for case in cases:
            case.measure()
            profile = cProfile.Profile()
            profile.runcall(case.measure)
            print(case.title)
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        _profile()
    else:
        print_question(engine_in_process)
