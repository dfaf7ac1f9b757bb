"""Sales that are counted and summed, and the same without: what summaries cost and save."""

from livefile import MutationCtx, QueryCtx, Table, aggregate, index, mutation, query


class Sale(Table, name="sales"):
    """One sale, in a shop that knows its count and its sum."""

    shop: str
    amount: float
    by_shop = index("shop", counted=True)
    revenue = aggregate("shop", sum="amount")


class PlainSale(Table, name="plain_sales"):
    """One sale with the same two indexes, which know nothing."""

    shop: str
    amount: float
    by_shop = index("shop")
    by_amount = index("shop", "amount")


def _shop(number: int) -> str:
    return f"shop {number * 7919 % 1000:03}"


@mutation
def fill(ctx: MutationCtx, start: int, end: int, kind: str) -> None:
    """Add the sales ``start`` up to ``end - 1``, over a thousand shops."""
    for number in range(start, end):
        shop, amount = _shop(number), number % 97 / 10
        if kind == "summarized":
            ctx.db.insert(Sale(shop=shop, amount=amount))
        else:
            ctx.db.insert(PlainSale(shop=shop, amount=amount))


@query
def count_all(ctx: QueryCtx, nonce: float) -> int:
    """Return how many sales there are. Another nonce is another result."""
    return ctx.db.query(Sale).count()


@query
def count_half(ctx: QueryCtx, nonce: float) -> int:
    """Return how many sales there are in about half of the shops."""
    return ctx.db.query(Sale.by_shop.lt(shop=_shop(int(nonce)))).count()


@query
def sum_half(ctx: QueryCtx, nonce: float) -> float:
    """Return the sum of the sales in about half of the shops."""
    return ctx.db.aggregate(Sale.revenue.lt(shop=_shop(int(nonce)))).sum


@query
def count_plain_half(ctx: QueryCtx, nonce: float) -> int:
    """Return a count by an index that does not know it."""
    return ctx.db.query(PlainSale.by_shop.lt(shop=_shop(int(nonce)))).count()
