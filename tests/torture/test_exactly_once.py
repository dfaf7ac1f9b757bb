"""Through a bad network and kills, every mutation is applied exactly once."""

from tests.torture.exactly_once import measure
from tests.torture.figure import Size

SEEDS_COUNT = 1


def test_every_mutation_is_applied_exactly_once(seed: int) -> None:
    measure(Size.T1, seed).check()
