from tests.torture.figure import Size
from tests.torture.scheduler_loop import measure


def test_every_scheduled_mutation_runs_exactly_once() -> None:
    measure(Size.T1, seed=1).check()
