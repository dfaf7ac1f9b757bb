from tests.torture.figure import Size
from tests.torture.kill_loop import measure


def test_every_acknowledged_commit_outlives_a_kill() -> None:
    measure(Size.T1, seed=1).check()
