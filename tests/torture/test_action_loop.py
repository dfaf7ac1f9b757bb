from tests.torture.action_loop import measure
from tests.torture.figure import Size


def test_every_scheduled_action_runs_at_most_once() -> None:
    measure(Size.T1, seed=1).check()
