import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile_server.settings.terminal_text import indented_lines, one_line

HARMFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Grüße, 你好 👩‍👩‍👧", "Grüße, 你好 👩‍👩‍👧"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31m", r"\x9b31m"),
        ("a\r\nb", r"a\r\nb"),
        ("bell\x07 null\x00", r"bell\x07 null\x00"),
        ("turned \u202egnp.exe", r"turned \u202egnp.exe"),
        ("two\u2028lines", r"two\u2028lines"),
    ],
)
def test_a_text_of_one_line_is_escaped(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_further_lines_are_indented() -> None:
    assert indented_lines("a\nb\r\nc\td\re\x1b[2J") == "a\n  b\n  c    d\\re\\x1b[2J"


@given(st.text())
def test_nothing_harmful_is_left(text: str) -> None:
    assert HARMFUL.search(one_line(text)) is None
    lines = indented_lines(text).split("\n")
    assert not any(HARMFUL.search(line) for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_what_can_be_printed_stays(text: str) -> None:
    assert one_line(text) == text
    assert indented_lines(text) == text
