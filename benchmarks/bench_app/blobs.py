"""A result of any size that changes with one small write: what slow clients leave unread."""

from livefile import QueryCtx, query

from .schema import Reading


@query
def blob(ctx: QueryCtx, place: float, size: float) -> str:
    """Return the amount at a place, and behind it as many characters as asked for."""
    found = ctx.db.query(Reading.by_place.eq(place=place)).first()
    amount = 0.0 if found is None else found.amount
    return f"{amount:.0f} " + "x" * int(size)
