import pytest

from tests.torture.figure import Size
from tests.torture.frozen import measure


@pytest.mark.slow
def test_a_frozen_process_ends_and_serves_again() -> None:
    measure(Size.T1, seed=1).check()
