from tests.torture.figure import Size
from tests.torture.identity_changes import measure


def test_after_a_change_of_identity_nothing_of_the_one_before_comes() -> None:
    measure(Size.T1, seed=1).check()
