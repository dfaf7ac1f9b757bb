from tests.torture.figure import Size
from tests.torture.wal_bound import measure


def test_the_log_stays_within_its_limit_also_when_readers_overlap() -> None:
    measure(Size.T1, seed=1).check()
