"""Lists that are appended to and read whole."""

from typing import Any

from livefile import ConvexError, MutationCtx, QueryCtx, mutation, query

from .pauses import pause
from .schema import Series


def _find(ctx: QueryCtx, key: str) -> Series | None:
    return ctx.db.query(Series.by_key.eq(key=key)).unique()


@mutation
def run(
    ctx: MutationCtx, steps: list[Any], pauses: float = 0.0, is_failing: bool = False
) -> list[Any]:
    """Do steps ``["read", key]`` and ``["append", key, value]``; return what was read."""
    results: list[Any] = []
    for step in steps:
        series = _find(ctx, step[1])
        if step[0] == "read":
            results.append([] if series is None else series.values)
        elif series is None:
            ctx.db.insert(Series(key=step[1], values=[step[2]]))
        else:
            ctx.db.patch(series.id, values=[*series.values, step[2]])
    pause(pauses)
    if is_failing:
        raise ConvexError("as asked")
    return results


@mutation
def run_slowly(ctx: MutationCtx, steps: list[Any], pauses: float) -> list[Any]:
    """Do the same, but take so long that it is done aside, on a snapshot."""
    return ctx.run_mutation(run, steps=steps, pauses=pauses)


@query
def read(ctx: QueryCtx, keys: list[str]) -> list[list[float]]:
    """Return some lists whole."""
    found = [_find(ctx, key) for key in keys]
    return [[] if series is None else series.values for series in found]
