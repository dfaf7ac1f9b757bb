from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile.model.index_key import END
from livefile.model.interval import EVERYTHING, Interval, IntervalSet
from tests.strategies import UNIVERSE, intervals


def union_of(parts: list[Interval]) -> IntervalSet:
    union = IntervalSet()
    for interval in parts:
        union.add(interval)
    return union


@given(intervals())
def test_an_interval_is_empty_if_it_holds_no_key(interval: Interval) -> None:
    assert interval.is_empty == (not any(key in interval for key in UNIVERSE))


@pytest.mark.parametrize("point", UNIVERSE)
def test_a_point_holds_its_key_alone(point: bytes) -> None:
    interval = Interval.point(point)

    assert [key for key in UNIVERSE if key in interval] == [point]
    assert point + b"\x00" not in interval


def test_everything_holds_all_keys_up_to_the_end() -> None:
    assert b"" in EVERYTHING
    assert b"\x15\xff" in EVERYTHING
    assert END not in EVERYTHING


@given(st.lists(intervals()))
def test_an_interval_set_holds_exactly_the_keys_added(added: list[Interval]) -> None:
    union = union_of(added)

    for key in UNIVERSE:
        assert (key in union) == any(key in interval for interval in added)


@given(st.lists(intervals()))
def test_an_interval_set_is_sorted_disjoint_and_not_adjacent(added: list[Interval]) -> None:
    kept = list(union_of(added))

    assert not any(interval.is_empty for interval in kept)
    assert all(before.end < after.start for before, after in pairwise(kept))
    assert len(kept) == len(union_of(added))


@given(
    st.lists(intervals()).flatmap(lambda added: st.tuples(st.just(added), st.permutations(added)))
)
def test_the_order_of_adding_makes_no_difference(
    orders: tuple[list[Interval], list[Interval]],
) -> None:
    first, second = orders

    assert list(union_of(first)) == list(union_of(second))


def test_touching_intervals_melt_into_one() -> None:
    union = union_of([Interval(b"a", b"b"), Interval(b"c", b"d"), Interval(b"b", b"c")])

    assert list(union) == [Interval(b"a", b"d")]


def test_an_empty_set_holds_nothing() -> None:
    union = IntervalSet()

    assert len(union) == 0
    assert b"" not in union
