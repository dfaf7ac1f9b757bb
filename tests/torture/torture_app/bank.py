"""Transfers between accounts; the sum of all balances never changes."""

from livefile import ConvexError, MutationCtx, QueryCtx, mutation, query

from .pauses import pause
from .schema import Account


@mutation
def found(ctx: MutationCtx, count: float, balance: float) -> None:
    """Open accounts 0 up to ``count``."""
    for number in range(int(count)):
        ctx.db.insert(Account(number=float(number), balance=balance))


@mutation
def transfer(
    ctx: MutationCtx, source: float, target: float, amount: float, pauses: float = 0.0
) -> None:
    """Move an amount; nobody can have less than nothing."""
    giver = ctx.db.query(Account.by_number.eq(number=source)).unique()
    taker = ctx.db.query(Account.by_number.eq(number=target)).unique()
    assert giver is not None
    assert taker is not None
    ctx.db.patch(giver.id, balance=giver.balance - amount)
    ctx.db.patch(taker.id, balance=taker.balance + amount)
    pause(pauses)
    if giver.balance < amount:
        raise ConvexError("too little")


@mutation
def transfer_slowly(
    ctx: MutationCtx, source: float, target: float, amount: float, pauses: float
) -> None:
    """Do the same, but take so long that it is done aside, on a snapshot."""
    ctx.run_mutation(transfer, source=source, target=target, amount=amount, pauses=pauses)


@query
def total(ctx: QueryCtx, start: float, end: float) -> float:
    """Return the sum of the balances of the accounts from ``start`` up to ``end``."""
    accounts = ctx.db.query(Account.by_number.gte(number=start).lt(number=end)).collect()
    return sum(account.balance for account in accounts)


@query
def balances(ctx: QueryCtx, start: float, end: float) -> list[float]:
    """Return the balances of the accounts from ``start`` up to ``end``."""
    accounts = ctx.db.query(Account.by_number.gte(number=start).lt(number=end)).collect()
    return [account.balance for account in accounts]


@query
def total_slowly(ctx: QueryCtx, start: float, end: float, pauses: float) -> float:
    """Do the same, but take so long that it is done aside; it pauses between two parts."""
    middle = (start + end) // 2
    first = ctx.run_query(total, start=start, end=middle)
    pause(pauses)
    return first + ctx.run_query(total, start=middle, end=end)
