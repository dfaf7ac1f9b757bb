"""The words of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile.model.tokens import words
from tests.search_oracle import words_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("don't snake_case e-mail", ["don", "t", "snake", "case", "e", "mail"]),
        ("3.14 x²", ["3", "14", "x²"]),
        ("Ärger Straße ÅNGSTRÖM", ["ärger", "straße", "ångström"]),
        ("ΟΔΟΣ οδός", ["οδοσ", "οδόσ"]),
        ("今日は 日本", ["今日は", "日本"]),
        ("हिंदी में", ["हिंदी", "में"]),
        ("e\u0301t\u0302", ["e", "t"]),
        ("", []),
        (" \n\t.,-_\0", []),
        ("a" * 31 + " " + "b" * 32, ["a" * 31]),
        ("ä" * 15 + " " + "ö" * 16, ["ä" * 15]),
    ],
)
def test_words_are_runs_of_letters_and_digits_in_lower_case(text: str, found: list[str]) -> None:
    assert list(words(text)) == found


@given(st.text(st.characters(exclude_categories=["Mn", "Mc", "Cs"])))
def test_words_are_what_one_character_after_the_other_gives(text: str) -> None:
    assert list(words(text)) == words_of(text)


@given(st.text())
def test_a_word_is_one_word(text: str) -> None:
    for word in words(text):
        assert word
        assert '"' not in word
        assert not any(character.isspace() for character in word)
