"""Bugs planted into the slow lane, each of which the simulation of the whole core must find.

Not here: bugs in what is not slow (``core_bugs.py``); the list of all (``planted.py``).
"""

from typing import Any

import pytest

from livefile.functions.slow_mutations import MutationJob, SlowMutations
from livefile.reactive.deliveries import Deliveries
from livefile.reactive.live_query import Watcher
from livefile.reactive.slow_queries import SlowQueries
from livefile.reactive.subscriptions import Subscriptions
from livefile.transaction.read_set import ReadSet
from livefile.transaction.write_log import WriteLog
from tests.simulation.core_simulation import CoreSimulation
from tests.simulation.slowness import Slow
from tests.torture.core_simulation import failure_of

# As many simulations as T1 has.
_SIMULATIONS_MAX = 200


def find(seed: int) -> bool:
    """Tell whether as many simulations as T1 has, with some functions slow, find a bug."""
    return _is_found(seed, Slow.SOME)


def find_in_queries(seed: int) -> bool:
    """Tell the same of simulations in which every query is slow."""
    return _is_found(seed, Slow.QUERIES)


def send_before_it_landed(patch: pytest.MonkeyPatch) -> None:
    """X6: an update does not wait for the slow queries of its client."""
    patch.setattr(Deliveries, "_pending_queries", lambda *_: set())
    patch.setattr(Deliveries, "_must_wait", lambda *_: False)


def send_while_an_older_runs(patch: pytest.MonkeyPatch) -> None:
    """X7: an update waits for slow queries that run on its own snapshot only."""

    def pending_queries(deliveries: Deliveries, watcher: Watcher) -> set[int]:
        slow = deliveries._slow
        return {
            query_id
            for query_id, (_, entry) in watcher.queries.items()
            if entry.is_pending and slow.is_in_cycle(entry)
        }

    def must_wait(deliveries: Deliveries, watcher: Watcher) -> bool:
        return watcher.prepared is not None

    patch.setattr(Deliveries, "_pending_queries", pending_queries)
    patch.setattr(Deliveries, "_must_wait", must_wait)


def keep_what_is_old_by_now(patch: pytest.MonkeyPatch) -> None:
    """X8: a slow result is kept although a commit touched it since."""
    right = Subscriptions._land

    def land(*args: Any) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(ReadSet, "is_touched_by", lambda *_: False)
            right(*args)

    patch.setattr(Subscriptions, "_land", land)


def ignore_the_session(patch: pytest.MonkeyPatch) -> None:
    """X9: mutations do not wait for a slow one of their session."""
    right = SlowMutations._finish

    def finish(slow: SlowMutations, job: MutationJob, answer: Any) -> None:
        if job.call.request_key is not None:
            slow._held.setdefault(job.call.request_key.session_id, [])
        right(slow, job, answer)

    patch.setattr(SlowMutations, "hold", lambda *_: False)
    patch.setattr(SlowMutations, "_finish", finish)


def never_take_back(patch: pytest.MonkeyPatch) -> None:
    """X10: an update that was prepared stays, though it can't be complete any more."""
    patch.setattr(Deliveries, "take_back", lambda *_: None)


def commit_without_validation(patch: pytest.MonkeyPatch) -> None:
    """X11: a mutation on a snapshot is committed whatever came in between."""
    patch.setattr(WriteLog, "has_conflict", lambda *_: False)


def keep_what_old_code_made(patch: pytest.MonkeyPatch) -> None:
    """X12: what ran in the lane during a deploy is kept."""
    patch.setattr(SlowQueries, "outdate", lambda _: None)


def _is_found(seed: int, slow: Slow) -> bool:
    first = seed * _SIMULATIONS_MAX
    seeds = range(first, first + _SIMULATIONS_MAX)
    return any(failure_of(CoreSimulation(drawn, slow)) is not None for drawn in seeds)
