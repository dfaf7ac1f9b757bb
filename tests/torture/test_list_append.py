"""Websocket clients that append to lists see a strictly serialisable history."""

from tests.torture.figure import Size
from tests.torture.list_append import measure

SEEDS_COUNT = 1


def test_histories_of_lists_are_strictly_serialisable(seed: int) -> None:
    measure(Size.T1, seed).check()
