"""A till with slow functions, and ways to step past the lane or to the end of it.

Not here: what is expected of them (``tests/engine/test_slow_lane.py``, ``test_slow_queries.py``).
"""

from collections import deque
from pathlib import Path
from typing import cast

from livefile import Identity
from livefile.functions.stepped_lane import SteppedLane
from tests.stepped_app import SteppedApp

TILL = """
    from livefile import MutationCtx, QueryCtx, Table, index, mutation, query

    class Amount(Table, name="amounts"):
        owner: str
        amount: int
        by_owner = index("owner")

    def put_into(ctx, owner, amount):
        found = ctx.db.query(Amount.by_owner.eq(owner=owner)).unique()
        if found is None:
            ctx.db.insert(Amount(owner=owner, amount=amount))
        else:
            ctx.db.patch(found.id, amount=found.amount + amount)

    @mutation
    def put(ctx: MutationCtx, owner: str, amount: int) -> int:
        put_into(ctx, owner, amount)
        return amount

    @mutation
    def put_slowly(ctx: MutationCtx, owner: str, amount: int) -> int:
        put_into(ctx, owner, amount)
        return amount

    @mutation
    def note_slowly(ctx: MutationCtx) -> None:
        ctx.db.table("notes").insert({"text": "new"})

    @mutation
    def fail_slowly(ctx: MutationCtx, owner: str) -> None:
        put_into(ctx, owner, 1)
        raise ValueError("no")

    @query
    def total(ctx: QueryCtx) -> int:
        return sum(row.amount for row in ctx.db.query(Amount))

    @query
    def total_slowly(ctx: QueryCtx) -> int:
        return sum(row.amount for row in ctx.db.query(Amount))

    @query
    def amount_slowly(ctx: QueryCtx, owner: str) -> int:
        found = ctx.db.query(Amount.by_owner.eq(owner=owner)).unique()
        return 0 if found is None else found.amount

    @query
    def open_slowly(ctx: QueryCtx) -> str:
        if ctx.db.query(Amount).first() is None:
            return "open"
        return whose(ctx)

    @query
    def total_of_mine_slowly(ctx: QueryCtx) -> list[object]:
        if ctx.db.query(Amount).first() is None:
            return []
        mine = Amount.by_owner.eq(owner=whose(ctx))
        return [whose(ctx), sum(row.amount for row in ctx.db.query(mine))]

    def whose(ctx: QueryCtx) -> str:
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else identity["subject"]

    @query
    def whose_slowly(ctx: QueryCtx) -> str:
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else identity["subject"]
"""

SLOW = (
    "till:put_slowly", "till:note_slowly", "till:fail_slowly", "till:total_slowly",
    "till:amount_slowly", "till:whose_slowly", "till:open_slowly", "till:total_of_mine_slowly",
)  # fmt: skip


def open_till(folder: Path, seed: int = 1) -> SteppedApp:
    """Open the till; its slow functions take the lane."""
    app = SteppedApp(folder, {"till": TILL}, seed=seed)
    for path in SLOW:
        app.livefile._lane.note_slow(path)
    return app


def user(name: str) -> Identity:
    """Return an identity of this name."""
    return Identity({"tokenIdentifier": f"x|{name}", "subject": name, "issuer": "x"})


def rest(app: SteppedApp) -> None:
    """Take steps until nothing waits."""
    while not (app.livefile._mutations.is_idle and app.livefile._subscriptions.is_idle):
        app.step()
    app.step()


def step_past_the_lane(app: SteppedApp) -> None:
    """Take a step in which the lane gets nothing done."""
    lane = cast(SteppedLane, app.livefile._lane)
    held, lane._waiting = lane._waiting, deque()
    app.step()
    lane._waiting.extendleft(reversed(held))
