"""An app whose users sign in at the deployment itself, for tests of accounts."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from livefile import Clock, Grant, Livefile, UnauthenticatedError, Visitor
from tests.app_folder import write_app

R = TypeVar("R")
NOBODY = Visitor()
ADA = "ada@example.com"
SECRET = "correct horse"
OTHER_SECRET = "battery staple"
FUNCTIONS = """
    from livefile import *

    class Note(Table, name="notes"):
        owner: str
        text: str
        by_owner = index("owner")

    class Sent(Table, name="sent"):
        email: str
        code: str

    @query
    def whoami(ctx: QueryCtx) -> dict[str, object] | None:
        return ctx.auth.get_user_identity()

    @query
    def users(ctx: QueryCtx) -> list[dict[str, object]]:
        return ctx.db.system.query("_users").collect()

    @mutation
    def write(ctx: MutationCtx, text: str) -> None:
        identity = ctx.auth.get_user_identity()
        if identity is None:
            raise ConvexError("not signed in")
        ctx.db.insert(Note(owner=str(identity["subject"]), text=text))

    @query
    def mine(ctx: QueryCtx) -> list[str]:
        identity = ctx.auth.get_user_identity()
        owner = "" if identity is None else str(identity["subject"])
        return [note.text for note in ctx.db.query(Note.by_owner.eq(owner=owner))]

    @internal.mutation
    def keep(ctx: MutationCtx, email: str, code: str) -> None:
        ctx.db.insert(Sent(email=email, code=code))

    @internal.action
    async def send(ctx: ActionCtx, email: str, code: str) -> None:
        await ctx.run_mutation(keep, email=email, code=code)

    @query
    def sent(ctx: QueryCtx) -> list[list[str]]:
        return [[each.email, each.code] for each in ctx.db.query(Sent)]
"""
AUTH_CONFIG = """
    from livefile import AuthConfig
    from livefile.accounts import Accounts, Anonymous, EmailCode, OAuth, Password
    from .notes import send

    auth = AuthConfig(Accounts({methods}))
"""
ALL_METHODS = "Password(), Anonymous(), EmailCode(send=send)"


@contextmanager
def open_accounts(
    folder: Path,
    methods: str = ALL_METHODS,
    *,
    path: str | Path = ":memory:",
    clock: Clock | None = None,
) -> Iterator[Livefile]:
    """Open a deployment of the app whose users sign in by ``methods``."""
    modules = {
        "__init__": "",
        "notes": FUNCTIONS,
        "auth_config": AUTH_CONFIG.format(methods=methods),
    }
    with Livefile.open(path, write_app(folder, modules), clock=clock) as livefile:
        yield livefile


def newest_code(livefile: Livefile, email: str, count: int = 1) -> str:
    """Return the newest code sent to an address, once there were ``count``."""
    with livefile.watch("notes:sent") as watch:
        for rows in watch:
            codes = [code for to, code in rows if to == email]
            if len(codes) >= count:
                return str(codes[-1])
    raise AssertionError("the deployment was closed")


def run(work: Coroutine[Any, Any, R]) -> R:
    return asyncio.run(work)


def sign_up(livefile: Livefile, email: str = ADA, visitor: Visitor = NOBODY) -> Grant:
    grant = run(livefile.accounts.sign_up(visitor, email, SECRET, "Ada"))
    assert isinstance(grant, Grant)
    return grant


def sign_in(livefile: Livefile, password: str = SECRET, email: str = ADA) -> Grant:
    return run(livefile.accounts.sign_in(NOBODY, email, password))


def signed_up_by_code(livefile: Livefile, email: str = ADA, visitor: Visitor = NOBODY) -> Grant:
    ticket = run(livefile.accounts.sign_up(visitor, email, SECRET, "Ada"))
    return run(livefile.accounts.verify_code(visitor, ticket, newest_code(livefile, email)))


def refusal(work: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(UnauthenticatedError) as refused:
        work()
    return refused.value.code, str(refused.value)


def request_code(livefile: Livefile, email: str = ADA, purpose: str = "signIn") -> str:
    return run(livefile.accounts.request_code(NOBODY, email, purpose))


def verify(livefile: Livefile, ticket: str, code: str, new_password: object = None) -> Grant:
    return run(livefile.accounts.verify_code(NOBODY, ticket, code, new_password))


def users(livefile: Livefile) -> list[dict[str, Any]]:
    found = livefile.query("notes:users")
    return [{k: v for k, v in user.items() if k != "_creationTime"} for user in found]
