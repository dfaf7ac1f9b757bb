from tests.torture.figure import Size
from tests.torture.io_faults import measure


def test_a_call_to_the_disk_that_fails_makes_nobody_tell_a_lie() -> None:
    measure(Size.T1, seed=1).check()
