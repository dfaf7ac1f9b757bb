"""A query in the slow lane keeps its snapshot, however much is committed while it runs."""

import importlib
import threading
from pathlib import Path

from livefile import ADMIN, Call, FunctionKind, Livefile, LivefileError, Outcome, Success
from tests.app_folder import write_app

APP = """
import threading

from livefile import MutationCtx, QueryCtx, Table, index, mutation, query

is_reading = threading.Semaphore(0)
may_go_on = threading.Semaphore(0)


class Account(Table, name="accounts"):
    name: str
    balance: float
    by_name = index("name")


def find(ctx: QueryCtx, name: str) -> Account:
    account = ctx.db.query(Account.by_name.eq(name=name)).unique()
    assert account is not None
    return account


@mutation
def found(ctx: MutationCtx) -> None:
    ctx.db.insert(Account(name="a", balance=100.0))
    ctx.db.insert(Account(name="b", balance=0.0))


@mutation
def move(ctx: MutationCtx) -> None:
    for name, amount in (("a", -10.0), ("b", 10.0)):
        account = find(ctx, name)
        ctx.db.patch(account.id, balance=account.balance + amount)


@query
def total(ctx: QueryCtx) -> float:
    first = find(ctx, "a").balance
    is_reading.release()
    # In small waits, because only between two of them can it be stopped.
    while not may_go_on.acquire(timeout=0.001):
        pass
    return first + find(ctx, "b").balance
"""


def test_a_slow_query_sees_one_state(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"bank": APP}, "slowbank")
    with Livefile.open(tmp_path / "bank.db", app=folder) as app:
        bank = importlib.import_module("slowbank.bank")
        app.mutation("bank:found")
        outcomes: list[Outcome | LivefileError] = []
        is_done = threading.Event()

        def done(outcome: Outcome | LivefileError) -> None:
            outcomes.append(outcome)
            is_done.set()

        app.submit(Call(path="bank:total", args={}, identity=ADMIN), FunctionKind.QUERY, done)
        for _ in ("on the engine's thread", "in the lane"):
            assert bank.is_reading.acquire(timeout=30)
        for _ in range(3):
            app.mutation("bank:move")
        bank.may_go_on.release()
        assert is_done.wait(30)

        (outcome,) = outcomes
        assert isinstance(outcome, Success)
        assert outcome.json == b"100.0"
