"""The checker names every anomaly of histories made by hand, and accuses none that is fine."""

import math
from collections.abc import Sequence
from random import Random

import pytest

from tests.torture.append_checker import (
    Append,
    Read,
    Status,
    Transaction,
    check_appends,
)

SEEDS_COUNT = 10
Step = Read | Append


def r(key: str, *values: float) -> Step:
    return Read(key, values)


def a(key: str, value: float) -> Step:
    return Append(key, value)


def transaction(
    *steps: Step,
    session: str = "",
    status: Status = Status.COMMITTED,
    start: float = -math.inf,
    end: float = math.inf,
) -> Transaction:
    # Without a name it is alone in its session.
    return Transaction(session or str(id(steps)), steps, status, start, end)


def names(*history: Transaction) -> set[str]:
    return {anomaly.name for anomaly in check_appends(history)}


ANOMALIES: list[tuple[str, Sequence[Transaction]]] = [
    (
        "G0",
        [
            transaction(a("x", 1), a("y", 1)),
            transaction(a("x", 2), a("y", 2)),
            transaction(r("x", 1, 2)),
            transaction(r("y", 2, 1)),
        ],
    ),
    (
        "G1a",
        [transaction(a("x", 1), status=Status.FAILED), transaction(r("x", 1))],
    ),
    (
        "G1b",
        [transaction(a("x", 1), a("x", 2)), transaction(r("x", 1)), transaction(r("x", 1, 2))],
    ),
    (
        "G1c",
        [transaction(a("x", 1), r("y", 1)), transaction(a("y", 1), r("x", 1))],
    ),
    (
        "G-single",
        [transaction(a("x", 1), a("y", 1)), transaction(r("x"), r("y", 1)), transaction(r("x", 1))],
    ),
    (
        "G2",
        [
            transaction(r("x"), a("y", 1)),
            transaction(r("y"), a("x", 1)),
            transaction(r("x", 1), r("y", 1)),
        ],
    ),
    (
        "G-single-session",
        [
            transaction(a("x", 1)),
            transaction(r("x", 1), session="reader"),
            transaction(r("x"), session="reader"),
        ],
    ),
    (
        "G-single-realtime",
        [
            transaction(a("x", 1), start=1, end=2),
            transaction(r("x"), start=3, end=4),
            transaction(r("x", 1), start=3, end=4),
        ],
    ),
    (
        "G2-realtime",
        [
            transaction(a("z", 1), start=1, end=2),
            transaction(r("z"), a("x", 1), start=1, end=5),
            transaction(r("x"), start=3, end=4),
            transaction(r("x", 1), r("z", 1)),
        ],
    ),
    (
        "lost",
        [transaction(a("x", 1), start=1, end=2), transaction(r("x"), start=3, end=4)],
    ),
    ("duplicate", [transaction(a("x", 1)), transaction(r("x", 1, 1))]),
    ("garbage", [transaction(r("x", 7))]),
    ("internal", [transaction(a("x", 1), r("x"))]),
    ("internal", [transaction(r("x"), r("x", 1)), transaction(a("x", 1))]),
    (
        "incompatible-order",
        [
            transaction(a("x", 1)),
            transaction(a("x", 2)),
            transaction(r("x", 1)),
            transaction(r("x", 2, 1)),
        ],
    ),
]


@pytest.mark.parametrize(("name", "history"), ANOMALIES, ids=[name for name, _ in ANOMALIES])
def test_an_anomaly_is_named(name: str, history: Sequence[Transaction]) -> None:
    assert name in names(*history)


def test_overlapping_transactions_may_be_in_any_order() -> None:
    assert not names(
        transaction(a("x", 1), start=1, end=4),
        transaction(r("x"), start=2, end=3),
        transaction(r("x", 1), start=3, end=5),
    )


def test_one_that_ended_when_the_other_began_overlaps_it() -> None:
    assert not names(
        transaction(a("x", 1), start=1, end=2),
        transaction(r("x"), start=2, end=3),
        transaction(r("x", 1)),
    )


def test_a_pushed_read_may_be_old_but_not_older_than_the_one_before() -> None:
    append = transaction(a("x", 1), start=1, end=2)
    old = transaction(r("x"), session="watcher", end=9)
    new = transaction(r("x", 1), session="watcher", end=8)

    assert not names(append, old)
    assert not names(append, old, new)
    assert names(append, new, old) == {"G-single-session"}


def test_an_append_without_an_answer_may_have_happened() -> None:
    maybe = transaction(a("x", 1), status=Status.UNKNOWN, start=1)

    assert not names(maybe, transaction(r("x"), start=5, end=6))
    assert not names(maybe, transaction(r("x", 1), start=5, end=6))
    assert not names(
        maybe, transaction(r("x"), start=5, end=6), transaction(r("x", 1), start=7, end=8)
    )
    assert names(
        maybe, transaction(r("x", 1), start=5, end=6), transaction(r("x"), start=7, end=8)
    ) == {"G-single-realtime"}


def test_an_append_without_an_answer_is_not_seen_before_it_was_sent() -> None:
    maybe = transaction(a("x", 1), status=Status.UNKNOWN, start=5)

    assert names(maybe, transaction(r("x", 1), start=1, end=2)) == {"G1c-realtime"}


def serial_history(random: Random, count: int) -> list[Transaction]:
    """Transactions that ran one after the other, with spans that overlap around that moment."""
    lists: dict[str, list[float]] = {}
    history = []
    for number in range(count):
        steps: list[Step] = []
        is_committed = random.random() < 0.9
        before = {key: list(values) for key, values in lists.items()}
        for _ in range(random.randint(1, 5)):
            key = f"k{random.randrange(6)}.{number // 100}"
            values = lists.setdefault(key, [])
            if random.random() < 0.5:
                steps.append(Read(key, tuple(values)))
            else:
                value = float(number * 10 + len(steps))
                values.append(value)
                steps.append(Append(key, value))
        status = Status.COMMITTED
        if not is_committed:
            lists = before
            status = random.choice([Status.FAILED, Status.UNKNOWN])
        start, end = number - 8 * random.random(), number + 8 * random.random()
        history.append(Transaction(f"s{number}", steps, status, start, end))
    random.shuffle(history)
    return history


def test_a_serial_history_is_clean(seed: int) -> None:
    assert check_appends(serial_history(Random(seed), 1000)) == []


def test_a_stale_read_in_a_serial_history_is_found(seed: int) -> None:
    random = Random(seed)
    history = serial_history(random, 1000)
    reads = [
        (number, step)
        for number, one in enumerate(history)
        if one.status is Status.COMMITTED and len(one.steps) == 1
        for step in one.steps
        if isinstance(step, Read) and len(step.values) > 3
    ]
    number, step = random.choice(reads)
    stale = Read(step.key, step.values[:-3])
    old = history[number]
    # Much later than the appends that it does not show.
    history[number] = Transaction(old.session, [stale], old.status, 2000, 2001)

    assert check_appends(history)
