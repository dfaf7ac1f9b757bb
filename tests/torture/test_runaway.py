import pytest

from tests.torture.figure import Size
from tests.torture.runaway import STOPPED, is_end, measure


@pytest.mark.slow
def test_a_runaway_function_is_stopped_while_others_are_served() -> None:
    measure(Size.T1, seed=1).check()


@pytest.mark.parametrize(
    ("text", "end", "is_so"),
    [
        (f"Server Error\nFunction execution {STOPPED}", STOPPED, True),
        ("Server Error\nUncaught ValueError", STOPPED, False),
        (None, STOPPED, False),
        (None, None, True),
        ("Server Error", None, False),
    ],
)
def test_the_judge_knows_one_end_from_another(
    text: str | None, end: str | None, is_so: bool
) -> None:
    assert is_end(text, end) is is_so
