"""A small app whose file is backed up, frozen, checked, exported and imported by tests."""

import json
import zipfile
from pathlib import Path
from typing import Any

from livefile import App, Livefile
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


def exported(livefile: Livefile, name: str = "exported.zip") -> dict[str, list[str]]:
    """Return the lines of every entry of an export."""
    target = livefile.path.with_name(name)
    livefile.upkeep.export(target)
    with zipfile.ZipFile(target) as file:
        return {each: file.read(each).decode().split("\n")[:-1] for each in file.namelist()}


def fields_of(livefile: Livefile, table: str) -> list[dict[str, Any]]:
    """Return the documents of a table without what the system gave them."""
    lines = exported(livefile, f"{table}.zip")[f"{table}/documents.jsonl"]
    return [{n: it for n, it in json.loads(line).items() if n[:1] != "_"} for line in lines]
