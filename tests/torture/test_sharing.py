from tests.torture.figure import Size
from tests.torture.sharing import measure


def test_equal_queries_run_once_and_equal_messages_are_encoded_once() -> None:
    measure(Size.T1, seed=1).check()
