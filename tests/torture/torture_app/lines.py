"""Stones on lines: what is read is a range, and what is written moves in and out of ranges."""

from typing import Any

from livefile import MutationCtx, QueryCtx, mutation, query

from .pauses import pause
from .schema import Stone

# A stone as it is told: its name, its version and its place; no place once it is gone.
Told = list[Any]


def _stones(ctx: QueryCtx, line: str, low: float, high: float) -> list[Stone]:
    return ctx.db.query(Stone.by_place.eq(line=line).gte(place=low).lte(place=high)).collect()


def _told(stone: Stone) -> Told:
    return [stone.name, stone.version, stone.place]


@query
def between(ctx: QueryCtx, line: str, low: float, high: float) -> list[Told]:
    """Return the stones from ``low`` to ``high``, both included."""
    return [_told(stone) for stone in _stones(ctx, line, low, high)]


@mutation
def change(
    ctx: MutationCtx,
    line: str,
    low: float,
    high: float,
    deed: str,
    name: str,
    place: float,
    pauses: float = 0.0,
) -> dict[str, Any]:
    """Read a range, do one thing that may depend on it, and read it again.

    Deeds: ``put`` a new stone, ``put if empty``, ``move`` the first stone, ``take`` the last.
    """
    before = _stones(ctx, line, low, high)
    written: list[Told] = []
    if deed == "put" or (deed == "put if empty" and not before):
        ctx.db.insert(Stone(line=line, place=place, name=name, version=1.0))
        written.append([name, 1.0, place])
    elif deed == "move" and before:
        ctx.db.patch(before[0].id, place=place, version=before[0].version + 1)
        written.append([before[0].name, before[0].version + 1, place])
    elif deed == "take" and before:
        ctx.db.delete(before[-1].id)
        written.append([before[-1].name, before[-1].version + 1, None])
    pause(pauses)
    return {
        "before": [_told(stone) for stone in before],
        "written": written,
        "after": [_told(stone) for stone in _stones(ctx, line, low, high)],
    }


@mutation
def change_slowly(
    ctx: MutationCtx,
    line: str,
    low: float,
    high: float,
    deed: str,
    name: str,
    place: float,
    pauses: float,
) -> dict[str, Any]:
    """Do the same, but take so long that it is done aside, on a snapshot."""
    result: dict[str, Any] = ctx.run_mutation(
        change,
        line=line,
        low=low,
        high=high,
        deed=deed,
        name=name,
        place=place,
        pauses=pauses,
    )
    return result
