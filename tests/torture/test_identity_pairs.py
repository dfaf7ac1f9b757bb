from tests.torture.figure import Size
from tests.torture.identity_pairs import measure


def test_nobody_gets_a_result_that_was_made_for_somebody_else() -> None:
    measure(Size.T1, seed=1).check()
