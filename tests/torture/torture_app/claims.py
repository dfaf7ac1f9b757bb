"""Checks before writes: right only if nobody slips in between."""

from typing import Any

from livefile import MutationCtx, QueryCtx, mutation, query

from .pauses import pause
from .schema import Booking, Claim

BOOKING_LENGTH_MAX = 10.0


@mutation
def claim(ctx: MutationCtx, name: str, owner: str, pauses: float = 0.0) -> bool:
    """Take a name unless somebody has it."""
    is_free = ctx.db.query(Claim.by_name.eq(name=name)).first() is None
    pause(pauses)
    if is_free:
        ctx.db.insert(Claim(name=name, owner=owner))
    return is_free


@mutation
def book(ctx: MutationCtx, room: str, start: float, end: float, pauses: float = 0.0) -> bool:
    """Take a room unless a booking overlaps."""
    in_question = Booking.by_start.eq(room=room).gt(start=start - BOOKING_LENGTH_MAX).lt(start=end)
    is_free = all(booking.end <= start for booking in ctx.db.query(in_question))
    pause(pauses)
    if is_free:
        ctx.db.insert(Booking(room=room, start=start, end=end))
    return is_free


@mutation
def claim_slowly(ctx: MutationCtx, name: str, owner: str, pauses: float) -> bool:
    """Do the same, but take so long that it is done aside, on a snapshot."""
    return ctx.run_mutation(claim, name=name, owner=owner, pauses=pauses)


@mutation
def book_slowly(ctx: MutationCtx, room: str, start: float, end: float, pauses: float) -> bool:
    """Do the same, but take so long that it is done aside, on a snapshot."""
    return ctx.run_mutation(book, room=room, start=start, end=end, pauses=pauses)


@query
def owners(ctx: QueryCtx) -> list[list[str]]:
    """Return every claim: its name and its owner."""
    return [[claim.name, claim.owner] for claim in ctx.db.query(Claim).collect()]


@query
def bookings(ctx: QueryCtx) -> list[list[Any]]:
    """Return every booking: its room, its start and its end."""
    return [[one.room, one.start, one.end] for one in ctx.db.query(Booking).collect()]
