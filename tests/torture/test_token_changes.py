from tests.torture.figure import Size
from tests.torture.token_changes import measure


def test_nothing_is_shown_but_to_the_user_in_force_and_before_the_end_of_its_token() -> None:
    measure(Size.T1, seed=1).check()
