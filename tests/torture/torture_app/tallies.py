"""Requests that must be applied once: each adds one to a tally and leaves a receipt."""

from typing import Any

from livefile import ConvexError, MutationCtx, QueryCtx, mutation, query

from .pauses import pause
from .schema import Receipt, Tally


@mutation
def apply(
    ctx: MutationCtx, client: str, request: str, pauses: float = 0.0, is_failing: bool = False
) -> list[Any]:
    """Add one to the client's tally and return the request with the new count."""
    tally = ctx.db.query(Tally.by_client.eq(client=client)).unique()
    count = 1.0 if tally is None else tally.count + 1
    if tally is None:
        ctx.db.insert(Tally(client=client, count=count))
    else:
        ctx.db.patch(tally.id, count=count)
    ctx.db.insert(Receipt(client=client, request=request))
    pause(pauses)
    if is_failing:
        raise ConvexError(request)
    return [request, count]


@mutation
def apply_slowly(ctx: MutationCtx, client: str, request: str, pauses: float) -> list[Any]:
    """Do the same, but take so long that it is done aside, on a snapshot."""
    return ctx.run_mutation(apply, client=client, request=request, pauses=pauses)


@query
def count(ctx: QueryCtx, client: str) -> float:
    """Return a client's tally."""
    tally = ctx.db.query(Tally.by_client.eq(client=client)).unique()
    return 0.0 if tally is None else tally.count


@query
def receipts(ctx: QueryCtx, client: str) -> list[str]:
    """Return the requests of a client that were applied, each as often as it was."""
    found = ctx.db.query(Receipt.by_request.eq(client=client)).collect()
    return [receipt.request for receipt in found]
