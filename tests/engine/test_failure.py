"""What a client reads when a function raises: text, frames and data."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import Failure
from livefile.vocabulary.limits import FAILURE_FRAMES_MAX
from tests.stepped_app import SteppedApp, message_of, value_of

FAULTS = """
    import sys
    from typing import Any
    from livefile import *

    class Item(Table, name="items"):
        name: str

    @query
    def fails_in_a_helper(ctx: QueryCtx) -> None:
        helper(1)

    @query
    def fails_with(ctx: QueryCtx, code: str) -> None:
        raise eval(code)

    @query
    def exits(ctx: QueryCtx) -> None:
        sys.exit(3)

    @mutation
    def adds_and_exits(ctx: MutationCtx) -> None:
        ctx.db.insert(Item(name="before the exit"))
        sys.exit()

    def helper(number: int) -> None:
        sorted([number], key=lambda n: inner(n))

    def inner(number: int) -> None:
        raise ValueError(f"bad number {number}")

    @query
    def goes_down(ctx: QueryCtx, levels: float) -> None:
        descend(levels)

    def descend(levels: float) -> None:
        if not levels:
            raise ValueError("at the ground")
        descend(levels - 1)

    class Odd(BaseException):
        pass

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    @mutation
    def add(ctx: MutationCtx, name: str) -> list[str]:
        ctx.db.insert(Item(name=name))
        return ctx.run_query(names)

    @query
    def names(ctx: QueryCtx) -> list[str]:
        return [item.name for item in ctx.db.query(Item)]
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"faults": FAULTS}) as stepped:
        yield stepped


def test_an_uncaught_error_shows_the_frames_of_the_app_innermost_first(app: SteppedApp) -> None:
    lines = FAULTS.splitlines()

    def place(text: str) -> int:
        return next(number for number, line in enumerate(lines, 1) if text in line)

    assert message_of(app.query("faults:fails_in_a_helper")).split("\n") == [
        "Uncaught ValueError: bad number 1",
        f"    at inner (faults.py:{place('raise ValueError(f')})",
        f"    at <lambda> (faults.py:{place('sorted([number]')})",
        f"    at helper (faults.py:{place('sorted([number]')})",
        f"    at fails_in_a_helper (faults.py:{place('helper(1)')})",
    ]


def test_of_a_deep_recursion_the_innermost_frames_are_shown(app: SteppedApp) -> None:
    # 19 levels down are 20 frames of `descend`, and the query's own is one too many.
    just_enough = message_of(app.query("faults:goes_down", levels=18.0)).split("\n")
    one_too_many = message_of(app.query("faults:goes_down", levels=19.0)).split("\n")
    for_ever = message_of(app.query("faults:goes_down", levels=-1.0)).split("\n")

    assert len(just_enough) == 1 + FAILURE_FRAMES_MAX
    assert just_enough[-1].startswith("    at goes_down (")
    assert one_too_many[1:-1] == [just_enough[1], *just_enough[2:3] * 19]
    assert one_too_many[-1] == "    ... 1 more"
    assert for_ever[0].startswith("Uncaught RecursionError: ")
    assert len(for_ever) == 2 + FAILURE_FRAMES_MAX
    assert all(line.startswith("    at descend (") for line in for_ever[1:-1])


@pytest.mark.parametrize(
    ("data", "encoded", "text"),
    [
        ("None", b"null", "Uncaught ConvexError: None"),
        ("'text'", b'"text"', "Uncaught ConvexError: text"),
        ("{'code': 7, 'list': [True]}", b'{"code":7.0,"list":[true]}', "Uncaught ConvexError: {"),
        ("b'ab'", b'{"$bytes":"YWI="}', "Uncaught ConvexError: b'ab'"),
        ("Int64(3)", b'{"$integer":"AwAAAAAAAAA="}', "Uncaught ConvexError: 3"),
    ],
)
def test_the_data_of_a_convex_error_reaches_the_client(
    app: SteppedApp, data: str, encoded: bytes, text: str
) -> None:
    outcome = app.query("faults:fails_with", code=f"ConvexError({data})")

    assert isinstance(outcome, Failure)
    assert outcome.data_json == encoded
    assert message_of(outcome).startswith(text)


def test_other_errors_have_no_data(app: SteppedApp) -> None:
    outcome = app.query("faults:fails_with", code="ValueError('x')")

    assert isinstance(outcome, Failure)
    assert outcome.data_json is None


def test_a_convex_error_with_data_that_is_no_value_says_so(app: SteppedApp) -> None:
    outcome = app.query("faults:fails_with", code="ConvexError({1: object()})")

    assert isinstance(outcome, Failure)
    assert outcome.data_json is None
    assert "the data of a ConvexError is no value" in message_of(outcome)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("SystemExit(3)", "exit was called"),
        ("Odd('strange')", "Odd: strange"),
        ("GeneratorExit()", "GeneratorExit"),
        ("Mute()", "Uncaught Mute: "),
        ("RecursionError('deep')", "Uncaught RecursionError: deep"),
        ("MemoryError()", "Uncaught MemoryError: "),
        ("StopIteration(1)", "Uncaught StopIteration: 1"),
        ("ExceptionGroup('many', [ValueError(1)])", "Uncaught ExceptionGroup: many"),
        ("KeyError('\\ud800')", "Uncaught KeyError: "),
    ],
)
def test_whatever_a_function_raises_is_a_failure_and_the_engine_goes_on(
    app: SteppedApp, code: str, text: str
) -> None:
    outcome = app.query("faults:fails_with", code=code)

    assert text in message_of(outcome)
    assert message_of(outcome).encode()
    assert value_of(app.mutate("faults:add", name="next")) == ["next"]


def test_a_function_that_exits_ends_itself_only(app: SteppedApp) -> None:
    assert "exit was called" in message_of(app.query("faults:exits"))
    assert "exit was called" in message_of(app.mutate("faults:adds_and_exits"))
    assert value_of(app.query("faults:names")) == []


def test_every_failure_begins_with_the_request_id(app: SteppedApp) -> None:
    outcome = app.mutate("faults:nothing")

    assert isinstance(outcome, Failure)
    assert outcome.message.startswith("[Request ID: 0123456789abcdef] Server Error\nCould not")
