"""Bugs planted into live queries that the tortures of precision and of identities must find.

Not here: bugs of the whole core (``core_bugs.py``), the list of all (``planted.py``).
"""

import pytest

from livefile.model.interval import EVERYTHING, Interval
from livefile.transaction.read_set import ReadSet
from tests.torture import identity_changes
from tests.torture.figure import Size
from tests.torture.precision import PrecisionRun

# As many deployments as T1 of precision has.
_RUNS_MAX = 20


def find_imprecise(seed: int) -> bool:
    """Tell whether one run of P1 that begins at ``seed`` finds a bug."""
    return any(_fails(seed * _RUNS_MAX + number) for number in range(_RUNS_MAX))


def find_leaking(seed: int) -> bool:
    """Tell whether S5 with this seed finds a bug."""
    return bool(identity_changes.measure(Size.T1, seed).failures)


def read_whole_indexes(patch: pytest.MonkeyPatch) -> None:
    """X4: whoever reads a range is said to have read the whole index."""
    right = ReadSet.add

    def add(reads: ReadSet, index_id: int, interval: Interval) -> None:
        right(reads, index_id, interval if interval.is_empty else EVERYTHING)

    patch.setattr(ReadSet, "add", add)


def forget_whose_result_it_is(patch: pytest.MonkeyPatch) -> None:
    """X5: when a shared query begins to read its caller, all go on with the one result."""
    patch.setattr("livefile.reactive.subscriptions._is_for", lambda *_: True)


def _fails(seed: int) -> bool:
    try:
        PrecisionRun(seed).run()
    except AssertionError:
        return True
    return False
