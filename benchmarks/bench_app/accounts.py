"""The functions of accounts: what the targets in docs/performance.md are about."""

from livefile import Id, MutationCtx, QueryCtx, mutation, query

from .schema import Account


@mutation
def insert(ctx: MutationCtx, name: str, balance: float) -> Id[Account]:
    """Add an account and return its id."""
    return ctx.db.insert(Account(name=name, balance=balance))


@mutation
def fill(ctx: MutationCtx, start: int, end: int) -> list[Id[Account]]:
    """Add the accounts ``account-<start>`` up to ``account-<end - 1>`` and return their ids."""
    return [
        ctx.db.insert(Account(name=f"account-{number}", balance=1000.0))
        for number in range(start, end)
    ]


@mutation
def transfer(ctx: MutationCtx, source: str, target: str, amount: float) -> None:
    """Move an amount between two accounts: two indexed reads, two patches."""
    giver = ctx.db.query(Account.by_name.eq(name=source)).unique()
    taker = ctx.db.query(Account.by_name.eq(name=target)).unique()
    assert giver is not None
    assert taker is not None
    ctx.db.patch(giver.id, balance=giver.balance - amount)
    ctx.db.patch(taker.id, balance=taker.balance + amount)


@query
def find(ctx: QueryCtx, name: str) -> Account | None:
    """Return the account of a name."""
    return ctx.db.query(Account.by_name.eq(name=name)).first()


@query
def get(ctx: QueryCtx, id: Id[Account]) -> Account | None:
    """Return one account."""
    return ctx.db.get(id)


@query
def fifty(ctx: QueryCtx, start: str, round: float) -> list[Account]:
    """Return fifty accounts from a name on. ``round`` makes one call differ from the next."""
    return ctx.db.query(Account.by_name.gte(name=start)).take(50)
