"""Every client ends up with what a fresh query returns."""

from tests.torture.figure import Size
from tests.torture.freshness import measure

SEEDS_COUNT = 1


def test_what_was_pushed_last_is_fresh(seed: int) -> None:
    measure(Size.T1, seed).check()
