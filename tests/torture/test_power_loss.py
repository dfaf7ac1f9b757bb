from tests.torture.figure import Size
from tests.torture.power_loss import measure


def test_every_acknowledged_commit_outlives_a_power_loss() -> None:
    measure(Size.T1, seed=1).check()
