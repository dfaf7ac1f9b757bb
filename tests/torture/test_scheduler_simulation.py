from tests.torture.figure import Size
from tests.torture.scheduler_simulation import measure


def test_a_clock_that_jumps_runs_nothing_twice_early_or_never() -> None:
    measure(Size.T1, seed=1).check()
