from base64 import urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import InvalidCursorError, Value
from livefile.model.cursor import END_OF_QUERY, CursorPosition, CursorSeal

SECRET = bytes(range(32))
FORM: list[Value] = ["messages", "by_channel", ["channel"], b"\x10a", b"\x10b", False]
KEYS = st.binary(min_size=1, max_size=80)


def seal(position: CursorPosition) -> str:
    return CursorSeal(SECRET, [*FORM]).seal(position)


@given(KEYS | st.just(END_OF_QUERY))
def test_a_cursor_is_the_same_text_each_time_and_opens_to_its_position(
    position: CursorPosition,
) -> None:
    text = seal(position)

    assert seal(position) == text
    assert CursorSeal(SECRET, [*FORM]).open(text) == position


@given(KEYS, KEYS)
def test_other_positions_have_other_texts(one: bytes, other: bytes) -> None:
    assert (seal(one) == seal(other)) == (one == other)


@given(KEYS, st.data())
def test_a_text_that_was_changed_anywhere_is_refused(position: bytes, data: st.DataObject) -> None:
    text = seal(position)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from("aZ09-_= é")) + text[at + 1 :]

    if changed != text:
        with pytest.raises(InvalidCursorError, match=r"^InvalidCursor: this cursor is damaged"):
            CursorSeal(SECRET, [*FORM]).open(changed)


@given(st.text())
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        CursorSeal(SECRET, [*FORM]).open(text)


@pytest.mark.parametrize("ending", ["", "a", "aaaa", "=", "\n", " "])
def test_a_cursor_that_goes_on_is_refused(ending: str) -> None:
    text = seal(b"position")

    if ending:
        with pytest.raises(InvalidCursorError):
            CursorSeal(SECRET, [*FORM]).open(text + ending)
    else:
        assert CursorSeal(SECRET, [*FORM]).open(text) == b"position"


@pytest.mark.parametrize("position", range(len(FORM)))
def test_a_cursor_of_another_query_is_refused(position: int) -> None:
    others: list[Value] = ["users", "by_author", ["author"], b"\x10b", b"\x10c", True]
    form = [*FORM[:position], others[position], *FORM[position + 1 :]]

    with pytest.raises(InvalidCursorError, match="one of another query"):
        CursorSeal(SECRET, form).open(seal(b"position"))


def test_a_cursor_of_another_file_is_refused() -> None:
    with pytest.raises(InvalidCursorError):
        CursorSeal(bytes(32), [*FORM]).open(seal(b"position"))


def test_a_cursor_shows_nothing_of_the_row() -> None:
    text = seal(b"secret salary 100000")

    assert b"salary" not in urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_error_has_the_data_by_which_clients_know_it() -> None:
    with pytest.raises(InvalidCursorError) as raised:
        CursorSeal(SECRET, [*FORM]).open("x")

    assert raised.value.data == {"isConvexSystemError": True, "paginationError": "InvalidCursor"}
    assert str(raised.value).startswith("InvalidCursor: ")
