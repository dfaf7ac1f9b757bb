from tests.torture.disk_full import measure
from tests.torture.figure import Size


def test_a_full_disk_refuses_writes_and_nothing_else() -> None:
    measure(Size.T1, seed=1).check()
