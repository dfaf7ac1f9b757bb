"""The public face of the engine: what ``livefile.__all__`` names exists and explains itself."""

import inspect

import pytest

import livefile


def order(name: str) -> tuple[int, str]:
    # Constants, then classes, then functions: the order that ruff's RUF022 asks for.
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_public_names_are_sorted() -> None:
    assert list(livefile.__all__) == sorted(livefile.__all__, key=order)


def test_the_public_names_are_each_named_once() -> None:
    assert len(set(livefile.__all__)) == len(livefile.__all__)


@pytest.mark.parametrize("name", livefile.__all__)
def test_a_public_name_exists_and_has_a_docstring(name: str) -> None:
    thing = getattr(livefile, name)

    if inspect.isclass(thing) or inspect.isroutine(thing):
        # A dataclass without a docstring gets its signature as one, which explains nothing.
        text = thing.__doc__ or ""
        assert text.strip()
        assert not text.startswith(f"{name}(")
    else:
        assert inspect.getdoc(thing)


def test_no_public_name_is_left_out() -> None:
    defined = {
        name
        for name, thing in vars(livefile).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }

    assert defined <= set(livefile.__all__)
