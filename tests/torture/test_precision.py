from tests.torture.figure import Size
from tests.torture.precision import measure


def test_a_commit_runs_again_only_what_read_what_it_wrote() -> None:
    measure(Size.T1, seed=1).check()
