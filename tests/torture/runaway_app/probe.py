"""What everybody else does meanwhile: small reads and small writes."""

from livefile import MutationCtx, QueryCtx, mutation, query

from .schema import Mark, Row

ROWS_COUNT = 1_000


@mutation
def fill(ctx: MutationCtx) -> None:
    """Make the rows."""
    for number in range(ROWS_COUNT):
        ctx.db.insert(Row(number=float(number)))


@mutation
def touch(ctx: MutationCtx, number: float) -> float:
    """Write a row as it is, and return its number."""
    row = ctx.db.query(Row.by_number.eq(number=number)).unique()
    assert row is not None
    ctx.db.patch(row.id, number=number)
    return row.number


@query
def marks(ctx: QueryCtx, name: str) -> int:
    """Return how many marks of one name there are."""
    return len(ctx.db.query(Mark.by_name.eq(name=name)).collect())


@mutation
def mark(ctx: MutationCtx, name: str) -> None:
    """Leave a mark, as a mutation that ends."""
    ctx.db.insert(Mark(name=name))
