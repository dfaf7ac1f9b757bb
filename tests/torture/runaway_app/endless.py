"""Queries and mutations without an end, each in Python, so that it can be stopped."""

import itertools

from livefile import MutationCtx, QueryCtx, mutation, query

from .schema import Mark, Row


@query
def loop(ctx: QueryCtx) -> None:
    while True:
        pass


@query
def loop_over_errors(ctx: QueryCtx) -> None:
    while True:
        try:
            raise ValueError("again")
        except Exception:
            pass


@query
def loop_over_everything(ctx: QueryCtx) -> None:
    """Catch what stops it, too, whenever that comes inside of the block."""
    count = 0
    while True:
        try:
            count += 1
        except BaseException:
            count = 0


@query
def count_up(ctx: QueryCtx) -> int:
    return sum(1 for _ in itertools.count())


@query
def read_for_ever(ctx: QueryCtx) -> None:
    while True:
        ctx.db.query(Row.by_number.lt(number=1.0)).collect()


@query
def take_for_ever(ctx: QueryCtx) -> None:
    number = 0
    while True:
        number += 1
        ctx.db.query(Row.by_number.gte(number=float(number % 1_000))).take(3)


@query
def print_for_ever(ctx: QueryCtx) -> None:
    while True:
        print("again")


@query
def sort_slowly(ctx: QueryCtx) -> int:
    return sorted(range(6_000_000), key=lambda number: -number % 1_000_003)[0]


@mutation
def mark_and_loop(ctx: MutationCtx, name: str) -> None:
    ctx.db.insert(Mark(name=name))
    while True:
        pass


@mutation
def mark_and_loop_over_errors(ctx: MutationCtx, name: str) -> None:
    while True:
        try:
            ctx.db.insert(Mark(name=name))
            raise ValueError("again")
        except Exception:
            pass


@mutation
def mark_for_ever(ctx: MutationCtx, name: str) -> None:
    while True:
        ctx.db.insert(Mark(name=name))


@mutation
def mark_and_count_up(ctx: MutationCtx, name: str) -> int:
    ctx.db.insert(Mark(name=name))
    return sum(1 for _ in itertools.count())
