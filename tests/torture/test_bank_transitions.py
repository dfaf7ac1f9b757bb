"""Every transition shows one state of the bank."""

from tests.torture.bank_transitions import measure
from tests.torture.figure import Size

SEEDS_COUNT = 1


def test_every_transition_shows_one_state(seed: int) -> None:
    measure(Size.T1, seed).check()
