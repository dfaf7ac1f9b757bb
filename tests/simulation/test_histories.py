"""Random histories of transactions against a serial model; ``--seed=N`` runs one again.

The second half plants bugs into the engine and wants each of them found: a simulation that finds
nothing must be known to be able to.
"""

from collections.abc import Callable, Sequence

import pytest

from livefile.model.index_range import IndexRange
from livefile.model.interval import Interval
from livefile.model.write import IndexWrites
from livefile.transaction import scan as scan_module
from livefile.transaction import transaction as transaction_module
from livefile.transaction.committer import Committer
from livefile.transaction.read_set import ReadSet
from livefile.transaction.write_log import WriteLog
from livefile.transaction.write_set import PendingWrite, WriteSet
from livefile.vocabulary.errors import StorageFailedError
from tests.simulation.history import History

SEEDS_COUNT = 100

# Seeds within which every planted bug is found; most are by the first few.
_PLANTED_SEEDS_COUNT = 60


def test_every_history_is_a_serial_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that ranges of a few rows are fetched in several parts, too.
    monkeypatch.setattr(transaction_module, "_SCAN_ROWS", 64 if seed % 2 else 1 + seed % 6)

    History(seed).run()


def test_histories_are_worth_their_while() -> None:
    histories = [History(seed) for seed in range(10)]
    for history in histories:
        history.run()

    assert sum(history.commits_count for history in histories) > 100
    assert sum(history.conflicts_count for history in histories) > 20


def first_seed_that_fails() -> int | None:
    for seed in range(_PLANTED_SEEDS_COUNT):
        try:
            History(seed).run()
        except (AssertionError, StorageFailedError):
            return seed
    return None


def ignore_ranges(patch: pytest.MonkeyPatch) -> None:
    def is_touched_by(reads: ReadSet, writes: IndexWrites) -> bool:
        return any(
            interval == Interval.point(key)
            for index_id, interval in reads
            for key in writes.get(index_id, ())
        )

    patch.setattr(ReadSet, "is_touched_by", is_touched_by)


def validate_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(WriteLog, "has_conflict", lambda log, reads, after_ts: False)


def keep_old_entries_on_patch(patch: pytest.MonkeyPatch) -> None:
    right = PendingWrite.keys

    def keys(write: PendingWrite, *args: object) -> tuple[bytes | None, bytes | None]:
        before, after = right(write, *args)  # type: ignore[arg-type]  # Handed through.
        return before, after if before is None or after is None else before

    patch.setattr(PendingWrite, "keys", keys)


def read_one_row_less(patch: pytest.MonkeyPatch) -> None:
    right = scan_module.split

    def split(
        interval: Interval, rows: Sequence[tuple[bytes, bytes]], wanted: int, *, is_descending: bool
    ) -> tuple[Interval, Interval]:
        covered, rest = right(interval, rows, wanted, is_descending=is_descending)
        if is_descending or len(rows) < wanted:
            return covered, rest
        return Interval(covered.start, rows[-1][0]), rest

    for module in (scan_module, transaction_module):
        patch.setattr(module, "split", split)


def take_lte_for_lt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(IndexRange, "lte", IndexRange.lt)


def keep_what_failed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(WriteSet, "roll_back", lambda writes, mark: None)


def keep_tables_of_failed_transactions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Committer, "_forget_new_tables", Committer._keep_new_tables)


PLANTED: list[Callable[[pytest.MonkeyPatch], None]] = [
    ignore_ranges,
    validate_nothing,
    keep_old_entries_on_patch,
    read_one_row_less,
    take_lte_for_lt,
    keep_what_failed,
    keep_tables_of_failed_transactions,
]


@pytest.mark.parametrize("plant", PLANTED, ids=[plant.__name__ for plant in PLANTED])
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)

    assert first_seed_that_fails() is not None
