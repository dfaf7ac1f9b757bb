import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from livefile.javascript.function_handle import HandleKey
from livefile.vocabulary.errors import BadRequestError

KEY = HandleKey(b"secret")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_handle_leads_back_to_its_path(path: str) -> None:
    assert KEY.path_of(KEY.handle_of(path)) == path


def test_a_handle_shows_the_name_of_its_function() -> None:
    handle = KEY.handle_of("counter/batch|lib:run")

    assert handle.startswith("function://")
    assert handle.endswith("#lib:run")


def test_the_shown_name_means_nothing() -> None:
    handle = KEY.handle_of("chat:list").replace("#chat:list", "#chat:other")

    assert KEY.path_of(handle) == "chat:list"


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_handle_that_was_changed_is_none(position: int, letter: str) -> None:
    handle = KEY.handle_of("chat:list")
    place = position % handle.index("#")
    assume(handle[place] != letter)

    with pytest.raises(BadRequestError, match="is no function handle of this deployment"):
        KEY.path_of(handle[:place] + letter + handle[place + 1 :])


def test_a_handle_of_another_deployment_is_none() -> None:
    with pytest.raises(BadRequestError, match="is no function handle of this deployment"):
        KEY.path_of(HandleKey(b"other").handle_of("chat:list"))
