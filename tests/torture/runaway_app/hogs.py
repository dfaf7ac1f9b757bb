"""Queries and mutations that take too much at once: memory, depth, or a long call into C."""

import re
import time

from livefile import MutationCtx, QueryCtx, mutation, query

from .schema import Mark

MILLION = 1_000_000


def fall(depth: int) -> int:
    return fall(depth + 1) + 1


@query
def recurse(ctx: QueryCtx) -> int:
    return fall(0)


@query
def return_much(ctx: QueryCtx) -> list[str]:
    return ["x" * MILLION] * 100


@query
def sleep(ctx: QueryCtx) -> None:
    time.sleep(5)


@query
def hold_list(ctx: QueryCtx) -> int:
    return len([None] * (125 * MILLION))


@query
def hold_text(ctx: QueryCtx) -> int:
    return len("x" * (1000 * MILLION))


@query
def raise_number(ctx: QueryCtx) -> int:
    number: int = 7**MILLION
    return number % 10


@query
def match_long(ctx: QueryCtx) -> bool:
    return re.fullmatch(r"(a+)+", "a" * 24 + "b") is not None


@query
def match_for_ever(ctx: QueryCtx) -> bool:
    return re.fullmatch(r"(a+)+", "a" * 60 + "b") is not None


@query
def loop_and_catch_all(ctx: QueryCtx) -> None:
    """Catch what stops it every time."""
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


@mutation
def mark_and_recurse(ctx: MutationCtx, name: str) -> int:
    ctx.db.insert(Mark(name=name))
    return fall(0)


@mutation
def mark_and_return_much(ctx: MutationCtx, name: str) -> list[str]:
    ctx.db.insert(Mark(name=name))
    return ["x" * MILLION] * 100


@mutation
def mark_and_sleep(ctx: MutationCtx, name: str) -> None:
    ctx.db.insert(Mark(name=name))
    time.sleep(5)
