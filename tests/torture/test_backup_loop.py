from tests.torture.backup_loop import measure
from tests.torture.figure import Size


def test_every_backup_is_the_state_after_exactly_one_commit() -> None:
    measure(Size.T1, seed=1).check()
