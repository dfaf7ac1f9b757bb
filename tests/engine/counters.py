"""An app that counts, and what tests of groups need to call it."""

from pathlib import Path

from livefile import Call, FunctionKind, Livefile, LivefileError, Outcome, Value
from livefile.model.interval import EVERYTHING
from livefile.transaction.transaction import Transaction

_SOURCE = """
from livefile import MutationCtx, QueryCtx, Table, index, mutation, query

class Counter(Table, name="counters"):
    name: str
    value: int = 0
    by_name = index("name")

@mutation
def add(ctx: MutationCtx, name: str, amount: int = 1) -> int:
    counter = ctx.db.query(Counter.by_name.eq(name=name)).unique()
    if counter is None:
        ctx.db.insert(Counter(name=name, value=amount))
        return amount
    ctx.db.patch(counter.id, value=counter.value + amount)
    return counter.value + amount

@mutation
def add_and_fail(ctx: MutationCtx, name: str) -> None:
    add(ctx, name=name)
    raise ValueError("no")

@mutation
def note(ctx: MutationCtx, text: str) -> None:
    ctx.db.table("notes").insert({"text": text})

@query(name="list")
def list_all(ctx: QueryCtx) -> dict[str, int]:
    return {counter.name: counter.value for counter in ctx.db.query(Counter)}
"""


def write_app(folder: Path) -> Path:
    """Write the app into a new folder and return that."""
    app = folder / "counters_app"
    app.mkdir()
    (app / "counters.py").write_text(_SOURCE)
    return app


def submit(livefile: Livefile, path: str, **args: Value) -> list[Outcome | LivefileError]:
    """Submit a mutation; the list holds its outcome once there is one."""
    heard: list[Outcome | LivefileError] = []
    livefile.submit(Call(path=path, args=args), FunctionKind.MUTATION, heard.append)
    return heard


def counted(livefile: Livefile) -> dict[Value, Value]:
    """Return the published counters by their names."""
    with livefile._database.snapshot() as snapshot:
        transaction = Transaction(snapshot, 0, 0)
        table = transaction.catalog.tables["counters"]
        rows = list(transaction.scan(table, table.indexes["by_name"], EVERYTHING))
    return {row["name"]: row["value"] for row in rows}
