"""The functions of readings: what live queries watch, together or each its own stretch."""

from livefile import MutationCtx, QueryCtx, mutation, query

from .schema import Reading


@mutation
def add(ctx: MutationCtx, place: float, amount: float) -> None:
    """Add a reading at a place."""
    ctx.db.insert(Reading(place=place, amount=amount))


@mutation
def fill(ctx: MutationCtx, start: float, end: float, step: float) -> None:
    """Add the readings ``start`` up to ``end - 1``, each ``step`` places after the one before."""
    for number in range(int(start), int(end)):
        ctx.db.insert(Reading(place=number * step, amount=0.0))


@mutation
def put(ctx: MutationCtx, place: float, amount: float) -> None:
    """Change the reading at a place, or add the first one there."""
    found = ctx.db.query(Reading.by_place.eq(place=place)).first()
    if found is None:
        ctx.db.insert(Reading(place=place, amount=amount))
    else:
        ctx.db.patch(found.id, amount=amount)


@query(name="between")
def readings_between(ctx: QueryCtx, start: float, end: float) -> list[Reading]:
    """Return the readings with ``start`` <= place < ``end``, at most 20."""
    return ctx.db.query(Reading.by_place.gte(place=start).lt(place=end)).take(20)


@query
def first_ten(ctx: QueryCtx, start: float) -> list[Reading]:
    """Return the ten readings from a place on."""
    return ctx.db.query(Reading.by_place.gte(place=start)).take(10)
