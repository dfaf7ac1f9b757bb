"""Each planted bug is found with the first seed; ``make torture`` tries twenty."""

import pytest

from tests.torture.planted import PLANTED, PlantedBug


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: f"{bug.id}-{bug.plant.__name__}")
def test_a_planted_bug_is_found(bug: PlantedBug) -> None:
    assert bug.count_found([0]) == 1


def test_no_storage_bug_is_seen_where_none_is_planted() -> None:
    bug = next(bug for bug in PLANTED if bug.found_by == "R5")

    assert not bug.find(0)
