import math
import sys
from collections.abc import Callable, Iterable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile.model.interval import EVERYTHING, Interval
from livefile.reactive.interval_index import IntervalIndex

Reads = list[tuple[int, Interval]]

SEEDS_COUNT = 12

# Few and short, so that bounds coincide often.
keys = st.binary(max_size=2).map(lambda data: bytes(byte % 3 for byte in data))
intervals = st.one_of(
    st.builds(Interval, keys, keys),
    st.builds(Interval.point, keys),
    st.just(EVERYTHING),
)
reads = st.lists(st.tuples(st.integers(0, 2), intervals), max_size=4, unique=True)
UNIVERSE = [
    b"",
    *(bytes([a]) for a in range(4)),
    *(bytes([a, b]) for a in range(3) for b in range(4)),
]


def touched_by_hand(readers: dict[str, Reads], index_id: int, key: bytes) -> set[str]:
    return {
        name
        for name, reads in readers.items()
        if any(read_id == index_id and key in interval for read_id, interval in reads)
    }


def assert_finds(index: IntervalIndex[str], readers: dict[str, Reads]) -> None:
    for index_id in range(3):
        for key in UNIVERSE:
            found = index.touched_by({index_id: [key]})
            assert found == touched_by_hand(readers, index_id, key)


@given(st.lists(st.tuples(st.integers(0, 6), reads), max_size=20))
def test_it_finds_exactly_the_readers_of_a_key(steps: list[tuple[int, Reads]]) -> None:
    index: IntervalIndex[str] = IntervalIndex()
    readers: dict[str, Reads] = {}
    for number, read in steps:
        name = f"reader {number}"
        if name in readers:
            index.remove(name, readers.pop(name))
        else:
            index.add(name, read)
            readers[name] = read

    assert_finds(index, readers)


def test_many_adds_and_removes_leave_exactly_the_readers_that_stay(seed: int) -> None:
    dice = Random(seed)
    index: IntervalIndex[str] = IntervalIndex()
    readers: dict[str, Reads] = {}
    for step in range(600):
        if readers and dice.random() < 0.45:
            name = dice.choice(list(readers))
            index.remove(name, readers.pop(name))
        else:
            drawn = [random_read(dice) for _ in range(dice.randrange(4))]
            readers[f"reader {step}"] = list(dict.fromkeys(drawn))  # As in a read set.
            index.add(f"reader {step}", readers[f"reader {step}"])
        if step % 100 == 0:
            assert_finds(index, readers)
    for name in list(readers):
        index.remove(name, readers.pop(name))
        if len(readers) % 50 == 0:
            assert_finds(index, readers)

    assert depth_of(index) == 0


def test_one_commit_names_keys_of_several_indexes() -> None:
    index: IntervalIndex[str] = IntervalIndex()
    index.add("a", [(1, Interval(b"a", b"c"))])
    index.add("b", [(2, Interval.point(b"x"))])
    index.add("c", [(3, EVERYTHING)])

    assert index.touched_by({1: [b"b", b"z"], 2: [b"x"]}) == {"a", "b"}
    assert index.touched_by({1: [b"c"], 2: [b"y"]}) == set()
    assert index.touched_by({}) == set()


def test_readers_of_the_same_interval_come_and_go_one_by_one() -> None:
    index: IntervalIndex[str] = IntervalIndex()
    shared = [(1, Interval(b"a", b"c"))]
    for name in ("a", "b", "c"):
        index.add(name, shared)
    index.remove("b", shared)

    assert index.touched_by({1: [b"b"]}) == {"a", "c"}


def test_an_empty_interval_is_read_by_nobody() -> None:
    index: IntervalIndex[str] = IntervalIndex()
    empty = [(1, Interval(b"c", b"a")), (1, Interval(b"b", b"b"))]
    index.add("a", empty)

    assert index.touched_by({1: [b"a", b"b", b"c"]}) == set()
    index.remove("a", empty)
    assert depth_of(index) == 0


def test_the_tree_stays_flat_whatever_order_intervals_come_in() -> None:
    orders: list[Iterable[int]] = [range(10_000), range(10_000, 0, -1)]
    for order in orders:
        index: IntervalIndex[int] = IntervalIndex()
        for number in order:
            index.add(number, [(1, interval_at(number))])

        assert depth_of(index) < 60


def test_it_is_flat_enough_for_the_stack_that_is_left_to_it() -> None:
    index: IntervalIndex[int] = IntervalIndex()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len_of_stack() + 150)
    try:
        for number in range(10_000):
            index.add(number, [(1, interval_at(number))])
        found = index.touched_by({1: [number.to_bytes(4) for number in range(0, 10_000, 100)]})
        for number in range(0, 10_000, 2):
            index.remove(number, [(1, interval_at(number))])
    finally:
        sys.setrecursionlimit(limit)

    assert len(found) == 200 - 1
    assert len(index.touched_by({1: [b"\x00\x00\x00\x09"]})) == 1


def test_readers_are_found_in_the_order_of_their_intervals() -> None:
    """Whatever the tree looks like inside: simulations must be repeatable."""
    orders = [
        sorted(range(200)),
        sorted(range(200), reverse=True),
        Random(1).sample(range(200), 200),
    ]
    for order in orders:
        index: IntervalIndex[int] = IntervalIndex()
        for number in order:
            index.add(number, [(1, Interval(number.to_bytes(4), b"\xff"))])
        index.add(-1, [(1, Interval.point(b"\x01"))])

        assert list(index.touched_by({1: [b"\x01"]})) == [-1, *range(200)]


class CountingKey(bytes):
    """A key that counts how often it is compared: at most three times by a node on the way."""

    def __new__(cls, key: bytes) -> "CountingKey":
        made = super().__new__(cls, key)
        made.comparisons_count = 0
        return made

    comparisons_count: int

    def __lt__(self, other: bytes) -> bool:
        self.comparisons_count += 1
        return bytes.__lt__(self, other)

    def __le__(self, other: bytes) -> bool:
        self.comparisons_count += 1
        return bytes.__le__(self, other)

    def __gt__(self, other: bytes) -> bool:
        self.comparisons_count += 1
        return bytes.__gt__(self, other)

    def __ge__(self, other: bytes) -> bool:
        self.comparisons_count += 1
        return bytes.__ge__(self, other)


# Ranges of a line from 0 to LINE, ``number`` of ``count``.
Shape = Callable[[int, int, Random], tuple[int, int]]
LINE = 2**30
SHAPES: dict[str, Shape] = {
    "side by side": lambda number, count, dice: (
        number * LINE // count,
        (number + 1) * LINE // count,
    ),
    "overlapping": lambda number, count, dice: (
        (start := dice.randrange(LINE)),
        start + 4 * LINE // count,
    ),
    "from the beginning": lambda number, count, dice: (0, dice.randrange(1, LINE)),
    "to the end": lambda number, count, dice: (dice.randrange(LINE), LINE + 1),
    "nested": lambda number, count, dice: (number, LINE - number),
}


def index_of(ranges: Sequence[tuple[int, int]], dice: Random) -> IntervalIndex[int]:
    """Return an index of these ranges and as many points, added in a random order."""
    index: IntervalIndex[int] = IntervalIndex()
    for number in dice.sample(range(len(ranges)), len(ranges)):
        start, end = ranges[number]
        index.add(number, [(1, Interval(start.to_bytes(5), end.to_bytes(5)))])
        index.add(-1 - number, [(1, Interval.point(dice.randrange(LINE).to_bytes(5)))])
    return index


def find(index: IntervalIndex[int], place: int) -> tuple[int, int]:
    """Return how many readers of a key were found, and how many comparisons that took."""
    key = CountingKey(place.to_bytes(5))
    return len(index.touched_by({1: [key]})), key.comparisons_count


@pytest.mark.parametrize("count", [10, 1_000, 100_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_finding_costs_the_logarithm_and_the_hits(shape: str, count: int) -> None:
    dice = Random(count)
    ranges = [SHAPES[shape](number, count // 2, dice) for number in range(count // 2)]
    index = index_of(ranges, dice)

    for _ in range(8):
        hits_count, comparisons_count = find(index, dice.randrange(LINE))
        assert comparisons_count <= 10 * (1 + math.log2(count)) + 4 * hits_count


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_a_hit_far_from_other_hits_costs_the_logarithm(count: int) -> None:
    """Ten ranges that end late, each alone among thousands that end early."""
    dice = Random(count)
    starts = sorted(dice.sample(range(LINE // 2), count))
    ranges = [
        (start, LINE if number % (count // 10) == 0 else start + 1)
        for number, start in enumerate(starts)
    ]
    index = index_of(ranges, dice)

    for _ in range(50):
        hits_count, comparisons_count = find(index, dice.randrange(LINE // 2, LINE))
        assert hits_count in (10, 11)
        assert comparisons_count <= 6 * hits_count * (1 + math.log2(count))


def interval_at(number: int) -> Interval:
    """Return an interval that overlaps its neighbour by one number."""
    return Interval(number.to_bytes(4), (number + 2).to_bytes(4))


def random_read(dice: Random) -> tuple[int, Interval]:
    start, end = sorted(dice.choices(UNIVERSE, k=2))
    if dice.random() < 0.3:
        return dice.randrange(3), Interval.point(start)
    return dice.randrange(3), Interval(start, end)


def depth_of(index: IntervalIndex[str] | IntervalIndex[int]) -> int:
    """Return the length of the longest branch; 0 says that nothing is left at all."""
    if index._points:
        return 1
    depth = 0
    level = [root for root in index._roots.values() if root is not None]
    while level:
        depth += 1
        level = [child for node in level for child in (node.left, node.right) if child is not None]
    return depth


def len_of_stack() -> int:
    length, frame = 0, sys._getframe()
    while frame.f_back is not None:
        length, frame = length + 1, frame.f_back
    return length
