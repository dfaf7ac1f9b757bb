"""The checker of ranges names every anomaly on a history made by hand, and accuses no fine one."""

import math
from collections.abc import Sequence
from random import Random

import pytest

from tests.torture.range_checker import (
    Deed,
    RangeRead,
    RangeTransaction,
    Sight,
    check_ranges,
)

SEEDS_COUNT = 10


def read(low: float, high: float, *sights: tuple[str, int, float]) -> RangeRead:
    return RangeRead("line", low, high, [Sight(*sight) for sight in sights])


def deed(name: str, version: int, place: float | None) -> Deed:
    return Deed("line", name, version, place)


def transaction(
    *steps: RangeRead | Deed, session: str = "", start: float = -math.inf, end: float = math.inf
) -> RangeTransaction:
    return RangeTransaction(
        session or str(id(steps)),
        [step for step in steps if isinstance(step, RangeRead)],
        [step for step in steps if isinstance(step, Deed)],
        start,
        end,
    )


def names(*history: RangeTransaction) -> set[str]:
    return {anomaly.name for anomaly in check_ranges(history)}


ANOMALIES: list[tuple[str, Sequence[RangeTransaction]]] = [
    # Two saw an empty range, and both put something into it.
    ("G2", [transaction(read(0, 5), deed("a", 1, 3)), transaction(read(0, 5), deed("b", 1, 4))]),
    (
        "G-single",
        [
            transaction(deed("a", 1, 3), deed("b", 1, 9)),
            transaction(read(0, 5), read(8, 9, ("b", 1, 9))),
        ],
    ),
    (
        "G1c",
        [
            transaction(read(0, 5, ("b", 1, 4)), deed("a", 1, 3)),
            transaction(read(0, 5, ("a", 1, 3)), deed("b", 1, 4)),
        ],
    ),
    (
        "G0",
        [
            transaction(deed("a", 1, 1), deed("b", 2, 1)),
            transaction(deed("a", 2, 2), deed("b", 1, 2)),
        ],
    ),
    (
        "G-single-session",
        [
            transaction(deed("a", 1, 3)),
            transaction(read(0, 5, ("a", 1, 3)), session="reader"),
            transaction(read(0, 5), session="reader"),
        ],
    ),
    (
        "G-single-realtime",
        [
            transaction(deed("a", 1, 3), start=1, end=2),
            transaction(read(2, 4, ("a", 1, 3)), deed("a", 2, 4), start=3, end=4),
            transaction(read(0, 5, ("a", 1, 3)), start=5, end=6),
        ],
    ),
    (
        "missed",
        [
            transaction(deed("a", 1, 3), start=1, end=2),
            transaction(read(0, 5), start=3, end=4),
        ],
    ),
    (
        "lost-update",
        [
            transaction(deed("a", 1, 3)),
            transaction(deed("a", 2, 4)),
            transaction(deed("a", 2, None)),
        ],
    ),
    ("garbage", [transaction(read(0, 5, ("a", 1, 3)))]),
    ("duplicate", [transaction(deed("a", 1, 3)), transaction(read(0, 5, *[("a", 1, 3)] * 2))]),
    ("misplaced", [transaction(deed("a", 1, 7)), transaction(read(0, 5, ("a", 1, 7)))]),
    ("misplaced", [transaction(deed("a", 1, 7)), transaction(read(0, 5, ("a", 1, 3)))]),
]


@pytest.mark.parametrize(("name", "history"), ANOMALIES, ids=[name for name, _ in ANOMALIES])
def test_an_anomaly_is_named(name: str, history: Sequence[RangeTransaction]) -> None:
    assert name in names(*history)


def test_a_thing_that_came_back_may_have_been_away_or_not_there_yet() -> None:
    life = [
        transaction(deed("a", 1, 3)),
        transaction(read(0, 5, ("a", 1, 3)), deed("a", 2, 9)),
        transaction(deed("a", 3, 4)),
    ]

    assert not names(*life, transaction(read(0, 5)))
    assert not names(*life, transaction(read(0, 5), read(8, 9, ("a", 2, 9))))
    assert names(*life, transaction(read(0, 5, ("a", 1, 3)), read(8, 9, ("a", 2, 9))))


def test_the_bounds_of_a_range_are_inside() -> None:
    put = transaction(deed("a", 1, 5), start=1, end=2)

    assert names(put, transaction(read(0, 5), start=3, end=4)) == {"missed"}
    assert names(put, transaction(read(5, 9), start=3, end=4)) == {"missed"}
    assert not names(put, transaction(read(0, 4.9), start=3, end=4))


def serial_history(random: Random, count: int, overlap: float = 8) -> list[RangeTransaction]:
    """Transactions that ran one after the other, with spans that overlap around that moment."""
    stones: dict[str, tuple[int, float]] = {}
    history = []
    for number in range(count):
        low = float(random.randrange(10))
        high = low + random.randrange(4)
        seen = [
            Sight(name, version, place)
            for name, (version, place) in stones.items()
            if low <= place <= high
        ]
        deeds: list[Deed] = []
        place = float(random.randrange(10))
        if random.random() < 0.4 or not seen:
            stones[f"s{number}"] = (1, place)
            deeds.append(deed(f"s{number}", 1, place))
        elif random.random() < 0.5:
            stones[seen[0].name] = (seen[0].version + 1, place)
            deeds.append(deed(seen[0].name, seen[0].version + 1, place))
        else:
            del stones[seen[-1].name]
            deeds.append(deed(seen[-1].name, seen[-1].version + 1, None))
        start, end = number - overlap * random.random(), number + overlap * random.random()
        reads = [RangeRead("line", low, high, seen)]
        history.append(RangeTransaction(f"c{number}", reads, deeds, start, end))
    random.shuffle(history)
    return history


def test_a_serial_history_is_clean(seed: int) -> None:
    assert check_ranges(serial_history(Random(seed), 500)) == []
    assert check_ranges(serial_history(Random(seed), 500, overlap=0)) == []


def test_a_row_that_is_left_out_is_found(seed: int) -> None:
    random = Random(seed)
    # Without overlap, so that real time says which version of each stone there was.
    history = serial_history(random, 500, overlap=0)
    number = random.choice([n for n, one in enumerate(history) if one.reads[0].sights])
    old = history[number]
    first = old.reads[0]
    kept = random.sample(first.sights, len(first.sights) - 1)
    reads = [RangeRead(first.line, first.low, first.high, kept)]
    history[number] = RangeTransaction(old.session, reads, (), old.start, old.end)

    assert "missed" in names(*history)
