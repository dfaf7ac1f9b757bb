"""Counts and aggregates: the same as counting by hand, whatever was written, and live."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from livefile import DefinitionError, Id, IndexRangeError, Int64, Livefile, Table, aggregate, index
from livefile.functions.database import DatabaseReader, DatabaseWriter
from livefile.sqlite import summaries
from tests.app_folder import write_app
from tests.integrity import check_connection
from tests.workbench import Workbench


class Order(Table, name="orders"):
    shop: str
    amount: float | None
    pieces: Int64 = Int64(1)
    by_shop = index("shop", counted=True)
    by_amount = index("amount")
    revenue = aggregate("shop", sum="amount")
    sold = aggregate(sum="pieces")


class PlainOrder(Table, name="orders"):
    shop: str
    amount: float | None
    pieces: Int64 = Int64(1)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few dozen documents make a tree of several levels."""
    monkeypatch.setattr(summaries, "SUMMARY_CHILDREN_MAX", 4)


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with Workbench(Order) as bench:
        yield bench
        with bench.database._connections.read() as connection:
            check_connection(connection)


def check(db: DatabaseReader) -> None:
    """Compare everything that is known without reading with what reading says."""
    orders = db.query(Order).collect()
    assert db.query(Order).count() == len(orders)
    assert db.query(Order.by_amount.gte(amount=5.0)).count() == sum(
        order.amount is not None and order.amount >= 5 for order in orders
    )
    assert db.aggregate(Order.sold).sum == sum(order.pieces for order in orders)
    for shop in "abc":
        mine = [order for order in orders if order.shop == shop]
        assert db.query(Order.by_shop.eq(shop=shop)).count() == len(mine)
        amounts = sorted(order.amount for order in mine if order.amount is not None)
        found = db.aggregate(Order.revenue.eq(shop=shop))
        assert (found.count, found.sum) == (len(mine), sum(amounts))
        assert (found.min, found.max) == ((amounts[0], amounts[-1]) if amounts else (None, None))
        middle = db.aggregate(Order.revenue.eq(shop=shop).gte(amount=2.0).lt(amount=7.0))
        assert middle.sum == sum(amount for amount in amounts if 2 <= amount < 7)
    before_c = [order.amount or 0.0 for order in orders if order.shop < "c"]
    assert db.aggregate(Order.revenue.lt(shop="c")).sum == sum(before_c)


def write_something(db: DatabaseWriter, random: Random, ids: list[Id[Order]]) -> None:
    kind = random.random()
    amount = None if random.random() < 0.1 else float(random.randrange(10))
    if kind < 0.5 or not ids:
        shop = random.choice("aabbbc")
        pieces = Int64(random.randrange(5))
        ids.append(db.insert(Order(shop=shop, amount=amount, pieces=pieces)))
    elif kind < 0.75:
        db.patch(random.choice(ids), amount=amount, shop=random.choice("abc"))
    else:
        db.delete(ids.pop(random.randrange(len(ids))))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_known_is_what_reading_says(bench: Workbench, seed: int) -> None:
    random = Random(seed)
    ids: list[Id[Order]] = []
    for _ in range(40):
        with bench.change() as db:
            for _ in range(random.randrange(12)):
                write_something(db, random, ids)
            check(db)  # Own writes included.
    check(bench.reader(bench.on_snapshot()))
    with bench.change() as db:
        for id in ids:
            db.delete(id)
        check(db)
    check(bench.reader(bench.on_snapshot()))


def test_a_queue_leaves_few_empty_blocks(bench: Workbench) -> None:
    ids: list[Id[Order]] = []
    for number in range(400):
        with bench.change() as db:
            ids.append(db.insert(Order(shop=f"{number:04}", amount=1.0)))
            if len(ids) > 8:
                db.delete(ids.pop(0))

    with bench.database._connections.read() as connection:
        blocks = connection.execute("SELECT count(*) FROM summaries WHERE level = 1").get
    assert blocks < 40  # In three trees of eight entries.


def test_a_count_in_the_past_is_that_of_then(bench: Workbench) -> None:
    with bench.change() as db:
        first = db.insert(Order(shop="a", amount=1.0))
    then = bench.published_ts
    with bench.change() as db:
        db.insert(Order(shop="a", amount=2.0))
        db.patch(first, amount=5.0)
    past = bench.reader(bench.past(then))

    assert past.query(Order.by_shop.eq(shop="a")).count() == 1
    assert past.aggregate(Order.revenue.eq(shop="a")).sum == 1.0
    check(past)


def test_aggregates_are_built_over_what_is_there() -> None:
    with Workbench(PlainOrder) as bench:
        with bench.change() as db:
            for number in range(100):
                db.insert(PlainOrder(shop="abc"[number % 3], amount=float(number)))
        bench.declare(Order)
        check(bench.reader(bench.on_snapshot()))
        bench.declare(PlainOrder)
        with bench.database._connections.read() as connection:
            check_connection(connection)
            assert connection.execute("SELECT count(*) FROM summaries").get == 0


def test_a_count_conflicts_with_what_changes_it_and_with_nothing_else(bench: Workbench) -> None:
    counting = bench.on_snapshot()
    bench.reader(counting).query(Order.by_shop.eq(shop="a")).count()
    before = counting.snapshot.ts

    with bench.change() as db:
        db.insert(Order(shop="b", amount=1.0))
    assert not bench.database.write_log.has_conflict(counting.reads, before)
    with bench.change() as db:
        db.insert(Order(shop="a", amount=1.0))
    assert bench.database.write_log.has_conflict(counting.reads, before)


def test_a_filtered_count_counts_what_passes(bench: Workbench) -> None:
    with bench.change() as db:
        for amount in (1.0, 2.0, 3.0):
            db.insert(Order(shop="a", amount=amount))

        assert db.query(Order).filter(lambda order: order.amount != 2.0).count() == 2


def test_the_mean_of_nothing_is_none(bench: Workbench) -> None:
    found = bench.reader(bench.on_snapshot()).aggregate(Order.revenue.eq(shop="a"))

    assert (found.count, found.sum, found.mean, found.min) == (0, 0.0, None, None)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (Order.by_shop, "takes a range of an aggregate"),
        ("orders", "takes a range of an aggregate, got 'orders'"),
    ],
)
def test_what_is_no_aggregate_is_refused(bench: Workbench, source: object, text: str) -> None:
    with pytest.raises(DefinitionError, match=text):
        bench.reader(bench.on_snapshot()).aggregate(source)  # type: ignore[arg-type]


def test_the_least_of_a_range_of_keys_is_refused(bench: Workbench) -> None:
    found = bench.reader(bench.on_snapshot()).aggregate(Order.revenue.lt(shop="b"))

    with pytest.raises(IndexRangeError, match=r"every field before amount given by eq\(\): shop"):
        _ = found.min


def test_the_summed_field_cannot_be_fixed(bench: Workbench) -> None:
    with pytest.raises(IndexRangeError, match="amount is what is summed"):
        bench.reader(bench.on_snapshot()).aggregate(Order.revenue.eq(shop="a", amount=1.0))


SOURCE = """
    from livefile import *

    class Vote(Table, name="votes"):
        side: str
        weight: float
        by_side = index("side", counted=True)
        weights = aggregate("side", sum="weight")

    @mutation
    def vote(ctx: MutationCtx, side: str, weight: float) -> None:
        ctx.db.insert(Vote(side=side, weight=weight))

    @query
    def tally(ctx: QueryCtx, side: str) -> list[float]:
        return [ctx.db.query(Vote.by_side.eq(side=side)).count(),
                ctx.db.aggregate(Vote.weights.eq(side=side)).sum]
"""


def test_a_live_count_follows_its_range(tmp_path: Path) -> None:
    app = write_app(tmp_path / "ballot", {"votes": SOURCE})
    with Livefile.open(":memory:", app) as livefile:
        watch = iter(livefile.watch("votes:tally", side="yes"))
        assert next(watch) == [0, 0]
        livefile.mutation("votes:vote", side="no", weight=1.0)
        livefile.mutation("votes:vote", side="yes", weight=0.1)

        assert next(watch) == [1, 0.1]
