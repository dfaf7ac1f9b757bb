"""The app of the whole core's simulation, in two versions that are deployed in turn.

Its functions are written so that the model (``core_model.py``) can say what they return: results
hold no ids and no times, and every order is decided by what the app itself stored.

Not here: the model.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from livefile import App
from tests.app_folder import write_app

_FUNCTIONS = """
    from typing import Any
    from livefile import *

    class Account(Table, name="accounts"):
        name: str
        balance: float
        by_name = index("name")

    class Counter(Table, name="counters"):
        owner: str
        count: float
        by_owner = index("owner")

    class Note(Table, name="notes"):
        board: str
        rank: float
        text: str
        by_place = index("board", "rank", "text")
        {indexes}

    def caller(ctx: QueryCtx) -> str:
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else str(identity["subject"])

    def account(ctx: MutationCtx, name: str) -> Account:
        found = ctx.db.query(Account.by_name.eq(name=name)).unique()
        assert found is not None
        return found

    @mutation
    def fill(ctx: MutationCtx, names: list[str], balance: float) -> None:
        for name in names:
            ctx.db.insert(Account(name=name, balance=balance))

    @mutation
    def transfer(ctx: MutationCtx, source: str, target: str, amount: float) -> list[float]:
        giver, taker = account(ctx, source), account(ctx, target)
        ctx.db.patch(taker.id, balance=taker.balance + amount)
        if giver.balance < amount:
            raise ConvexError("poor")
        ctx.db.patch(giver.id, balance=giver.balance - amount)
        return [giver.balance - amount, taker.balance + amount]

    @mutation
    def bump(ctx: MutationCtx, owner: str) -> float:
        found = ctx.db.query(Counter.by_owner.eq(owner=owner)).unique()
        if found is None:
            ctx.db.insert(Counter(owner=owner, count=1.0))
            return 1.0
        ctx.db.patch(found.id, count=found.count + 1)
        return found.count + 1

    @mutation
    def put(ctx: MutationCtx, board: str, rank: float, text: str) -> float:
        ctx.db.insert(Note(board=board, rank=rank, text=text))
        return float(len(ctx.db.query(Note.by_place.eq(board=board)).collect()))

    @mutation
    def drop(ctx: MutationCtx, board: str, low: float, high: float) -> str | None:
        range = Note.by_place.eq(board=board).gte(rank=low).lt(rank=high)
        found = ctx.db.query(range).order("desc").first()
        if found is None:
            return None
        ctx.db.delete(found.id)
        return found.text

    @mutation
    def move(ctx: MutationCtx, board: str, to_board: str, to_rank: float) -> str | None:
        found = ctx.db.query(Note.by_place.eq(board=board)).first()
        if found is None:
            return None
        ctx.db.patch(found.id, board=to_board, rank=to_rank)
        return found.text

    @mutation
    def claim(ctx: MutationCtx, board: str, text: str) -> bool:
        if ctx.db.query(Note.by_place.eq(board=board)).first() is not None:
            return False
        ctx.db.insert(Note(board=board, rank=0.0, text=text))
        return True

    @query
    def poorer(ctx: QueryCtx) -> list[float]:
        return [row.balance for row in ctx.db.query(Account.by_name.lt(name="c"))]

    @query
    def richer(ctx: QueryCtx) -> list[float]:
        return [row.balance for row in ctx.db.query(Account.by_name.gte(name="c")).order("desc")]

    @query
    def count(ctx: QueryCtx, owner: str) -> float:
        found = ctx.db.query(Counter.by_owner.eq(owner=owner)).unique()
        return 0.0 if found is None else found.count

    @query
    def notes(
        ctx: QueryCtx, board: str, low: float, high: float, wanted: float, newest: bool
    ) -> list[Any]:
        range = Note.by_place.eq(board=board).gte(rank=low).lte(rank=high)
        found = ctx.db.query(range).order("desc" if newest else "asc").take(int(wanted))
        return [[note.rank, note.text] for note in found]

    @query
    def single(ctx: QueryCtx, board: str) -> str | None:
        try:
            found = ctx.db.query(Note.by_place.eq(board=board)).unique()
        except NotUniqueError:
            raise ConvexError("several") from None
        return None if found is None else found.text

    @query
    def me(ctx: QueryCtx) -> list[Any]:
        name = caller(ctx)
        found = ctx.db.query(Counter.by_owner.eq(owner=name)).unique()
        return [name, 0.0 if found is None else found.count]

    @query
    def door(ctx: QueryCtx, board: str) -> str:
        if ctx.db.query(Note.by_place.eq(board=board)).first() is None:
            return "open"
        return caller(ctx)

    @query
    def guest(ctx: QueryCtx, board: str) -> Any:
        if ctx.db.query(Note.by_place.eq(board=board)).first() is None:
            return "open"
        name = caller(ctx)
        found = ctx.db.query(Counter.by_owner.eq(owner=name)).unique()
        return [name, 0.0 if found is None else found.count]

    @query
    def version(ctx: QueryCtx) -> float:
        return {version}
"""

_INDEXES_OF_2 = """by_text = index("text")
        by_rank = index("rank", "board")

    class Extra(Table, name="extras"):
        text: str"""


@cache
def apps() -> tuple[App, App]:
    """Return the two versions, loaded once for all simulations of this process."""
    folder = Path(tempfile.mkdtemp(prefix="livefile-core-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sources = [
        _FUNCTIONS.replace("{version}", "1.0").replace("{indexes}", ""),
        _FUNCTIONS.replace("{version}", "2.0").replace("{indexes}", _INDEXES_OF_2),
    ]
    first, second = (App.load(write_app(folder, {"core": source})) for source in sources)
    return first, second
