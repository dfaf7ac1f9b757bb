"""Sums that do not drift, and numbers read back from keys."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile.model.exact_sum import NOTHING, ExactSum
from livefile.model.index_key import encode_value, fields_key, key_end
from livefile.model.key_number import AFTER_NUMBERS, FIRST_NUMBER, key_number
from livefile.model.value import Value
from tests.strategies import doubles, exact, int64s, values

finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = doubles() | int64s()


def total(items: list[float] | list[int]) -> ExactSum:
    return sum(map(ExactSum.of, items), NOTHING)


@given(st.lists(finite))
def test_a_sum_is_rounded_once(items: list[float]) -> None:
    wanted = sum(map(Fraction, items), Fraction())

    try:
        rounded = float(wanted)
    except OverflowError:
        rounded = math.inf if wanted > 0 else -math.inf
    assert float(total(items)) == rounded


@given(st.lists(int64s()))
def test_a_sum_of_whole_numbers_is_whole(items: list[int]) -> None:
    assert int(total(items)) == sum(items)


@given(st.lists(numbers), st.data())
def test_what_goes_again_leaves_nothing_behind(items: list[float], data: st.DataObject) -> None:
    gone = data.draw(st.lists(numbers))

    there_and_back = total([*items, *gone]) + -total(gone)

    assert there_and_back == total(items)
    assert there_and_back.pack() == total(data.draw(st.permutations(items))).pack()


@given(st.lists(numbers))
def test_a_sum_survives_as_bytes(items: list[float]) -> None:
    assert ExactSum.unpack(total(items).pack()) == total(items)


@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ([math.inf, 1.0], math.inf),
        ([-math.inf, 1e308, 1e308], -math.inf),
        ([1e308, 1e308], math.inf),
        ([1e308, 1e308, -1e308], 1e308),
    ],
)
def test_infinities_are_kept_apart(items: list[float], wanted: float) -> None:
    assert float(total(items)) == wanted


@pytest.mark.parametrize("items", [[math.inf, -math.inf], [math.nan, 1.0]])
def test_what_has_no_sum_is_no_number(items: list[float]) -> None:
    assert math.isnan(float(total(items)))


@given(st.lists(values(), max_size=3), values() | numbers)
def test_the_number_in_a_key_is_read_back(before: list[Value], last: Value) -> None:
    document = {str(position): value for position, value in enumerate([*before, last])}
    key = fields_key(document, [(name,) for name in document]) + key_end(1.0, bytes(16))

    found = key_number(key, len(before))

    wanted = last if isinstance(last, float | int) and not isinstance(last, bool) else None
    assert exact(found) == exact(wanted)


@given(values() | numbers)
def test_numbers_are_between_their_bounds(value: Value) -> None:
    is_number = isinstance(value, float | int) and not isinstance(value, bool)

    assert (FIRST_NUMBER <= encode_value(value) < AFTER_NUMBERS) == is_number
