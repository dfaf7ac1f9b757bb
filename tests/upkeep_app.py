"""A small app whose file is backed up, frozen, checked, exported and imported by tests."""

from pathlib import Path

from livefile import App
from tests.app_folder import write_app

SOURCE = """
    from livefile import *

    class User(Table, name="users"):
        name: str
        age: float | None = None

    class Message(Table, name="messages"):
        body: str
        author: Id[User] | None = None
        by_body = index("body")

    @mutation
    def send(ctx: MutationCtx, body: str) -> str:
        return ctx.db.insert(Message(body=body))

    @mutation
    def send_many(ctx: MutationCtx, count: int, size: int) -> None:
        for number in range(count):
            ctx.db.insert(Message(body=f"{number:06}" + "x" * size))

    @mutation
    def add_user(ctx: MutationCtx, name: str) -> str:
        return ctx.db.insert(User(name=name))

    @query
    def bodies(ctx: QueryCtx) -> list[str]:
        return [message.body for message in ctx.db.query(Message.by_body)]

    @query
    def count(ctx: QueryCtx) -> int:
        return len(ctx.db.query(Message).collect())
"""


def load_upkeep_app(folder: Path) -> App:
    """Write the app into a folder and load it; its functions are ``notes:send`` and so on."""
    return App.load(write_app(folder, {"notes": SOURCE}))
