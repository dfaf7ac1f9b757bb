"""Websocket clients that read ranges see no phantoms."""

from tests.torture.figure import Size
from tests.torture.phantoms import measure

SEEDS_COUNT = 1


def test_ranges_have_no_phantoms(seed: int) -> None:
    measure(Size.T1, seed).check()
