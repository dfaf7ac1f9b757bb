"""Bugs planted into the server core, each of which the simulation of it must find.

Not here: the list of all planted bugs (``planted.py``); the simulation
(``tests/simulation/core_simulation.py``).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from livefile import Identity, QuerySetChange, Update
from livefile.model.interval import Interval
from livefile.reactive.live_query import CacheEntry
from livefile.reactive.query_cache import QueryCache
from livefile.sqlite.catalog import Catalog
from livefile.sqlite.connections import Connection
from livefile.transaction import committer
from livefile.transaction.apply import Applied, apply
from livefile.transaction.read_set import ReadSet
from livefile.transaction.write_set import PendingWrite, WriteSet
from livefile_server.sync.effects import ChangeQuerySet, Effect
from livefile_server.sync.outbox import Outbox
from livefile_server.sync.session import Session
from tests.simulation.core_simulation import CoreSimulation
from tests.torture.core_simulation import failure_of

# As many simulations as T1 has.
_SIMULATIONS_MAX = 200


def find(seed: int) -> bool:
    """Tell whether one run of T1's size that begins at ``seed`` finds a bug."""
    first = seed * _SIMULATIONS_MAX
    seeds = range(first, first + _SIMULATIONS_MAX)
    return any(failure_of(CoreSimulation(drawn)) is not None for drawn in seeds)


def keep_results_of_deleted(patch: pytest.MonkeyPatch) -> None:
    """B5: no query hears of a deletion."""

    def apply_silently(connection: Connection, catalog: Catalog, writes: WriteSet) -> Applied:
        applied = apply(connection, catalog, writes)
        if all(image.after is None for image in applied.images):
            applied.touched = {}
        return applied

    patch.setattr(committer, "apply", apply_silently)


def hold_the_older_outcome(patch: pytest.MonkeyPatch) -> None:
    """B6: a slow client gets the older of two outcomes, at the newer timestamp."""

    def hold_update(outbox: Outbox, update: Update) -> None:
        outbox._outcomes = {**update.outcomes, **outbox._outcomes}
        outbox._update = update

    patch.setattr(Outbox, "hold_update", hold_update)


def keep_the_identity(patch: pytest.MonkeyPatch) -> None:
    """B10: queries go on under the identity before, until the next one is added."""
    right = Session._change_query_set
    told: dict[Session, Identity] = {}

    def change_query_set(session: Session, added: Any, removed: Any) -> ChangeQuerySet:
        change: QuerySetChange = right(session, added, removed).change
        if not added and session in told:
            change = replace(change, identity=told[session])
        told[session] = change.identity
        return ChangeQuerySet(change)

    patch.setattr(Session, "_change_query_set", change_query_set)


def keep_the_index_entry(patch: pytest.MonkeyPatch) -> None:
    """B11: a patch leaves the index entries as they were."""
    right = PendingWrite.keys

    def keys(write: PendingWrite, *args: Any) -> tuple[bytes | None, bytes | None]:
        before, after = right(write, *args)
        return before, after if before is None or after is None else before

    patch.setattr(PendingWrite, "keys", keys)


def read_one_key_less(patch: pytest.MonkeyPatch) -> None:
    """B13: what a range was read up to is not in the read set."""
    right = ReadSet.add

    def add(reads: ReadSet, index_id: int, interval: Interval) -> None:
        if interval.end.endswith(b"\x00"):
            interval = Interval(interval.start, interval.end[:-1])
        right(reads, index_id, interval)

    patch.setattr(ReadSet, "add", add)


def split_transitions(patch: pytest.MonkeyPatch) -> None:
    """B14: a transition of several outcomes is sent as two, at one timestamp."""
    right = Session._transition

    def transition(session: Session, update: Update, now_ns: int) -> list[Effect]:
        pairs: Sequence[tuple[int, Any]] = list(update.outcomes.items())
        if len(pairs) < 2:
            return right(session, update, now_ns)
        parts = [dict(pairs[:1]), dict(pairs[1:])]
        effects: list[Effect] = []
        for outcomes in parts:
            effects += right(session, replace(update, outcomes=outcomes), now_ns)
        return effects

    patch.setattr(Session, "_transition", transition)


def share_across_identities(patch: pytest.MonkeyPatch) -> None:
    """A result that depends on the caller is kept for all callers."""
    right = QueryCache.put

    def put(cache: QueryCache, entry: CacheEntry, *, has_read_identity: bool) -> None:
        right(cache, entry, has_read_identity=False)

    patch.setattr(QueryCache, "put", put)


def forget_the_backlog(patch: pytest.MonkeyPatch) -> None:
    """A client that was slow never gets what gathered meanwhile."""

    def hold_update(outbox: Outbox, update: Update) -> None:
        outbox._outcomes, outbox._update = {}, update

    patch.setattr(Outbox, "hold_update", hold_update)
