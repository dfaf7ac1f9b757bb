from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import ADMIN, Failure, FunctionKind, Success
from livefile.vocabulary.limits import CALL_DEPTH_MAX
from tests.stepped_app import SteppedApp, message_of, outcome_of, value_of

SHOP = """
    from typing import Any
    from livefile import *

    class Item(Table, name="items"):
        name: str
        count: int = 0
        by_name = index("name")

    @query
    def names(ctx: QueryCtx) -> list[str]:
        return [item.name for item in ctx.db.query(Item)]

    @mutation
    def add(ctx: MutationCtx, name: str) -> Id[Item]:
        return ctx.db.insert(Item(name=name))

    @internal.mutation
    def add_hidden(ctx: MutationCtx, name: str) -> None:
        ctx.db.insert(Item(name=name))

    @mutation
    def add_and_fail(ctx: MutationCtx, name: str) -> None:
        ctx.db.insert(Item(name=name))
        ctx.run_mutation(add_hidden, name=f"{name} inside")
        raise ConvexError({"name": name, "codes": [1, None]})

    @mutation
    def add_around(ctx: MutationCtx) -> list[str]:
        first = ctx.run_mutation(add, name="first")
        try:
            ctx.run_mutation(add_and_fail, "second")
        except ConvexError as error:
            assert error.data == {"name": "second", "codes": [1, None]}, error.data
        ctx.db.patch(first, count=1)
        return ctx.run_query(names)

    @mutation
    def deep_roll_back(ctx: MutationCtx) -> list[str]:
        item = ctx.run_mutation(add, name="kept")
        try:
            ctx.run_mutation(change_and_fail, id=item)
        except ValueError:
            pass
        found = ctx.db.get(item)
        return [] if found is None else [found.name]

    @internal.mutation
    def change_and_fail(ctx: MutationCtx, id: Id[Item]) -> None:
        ctx.db.patch(id, name="changed")
        try:
            ctx.run_mutation(remove_and_fail, id=id)
        except KeyError:
            found = ctx.db.get(id)
            raise ValueError("nothing" if found is None else found.name)

    @internal.mutation
    def remove_and_fail(ctx: MutationCtx, id: Id[Item]) -> None:
        ctx.db.delete(id)
        raise KeyError("inner")

    @query
    def dive(ctx: QueryCtx, depth: int) -> int:
        return 1 if depth <= 1 else 1 + ctx.run_query(dive, depth=depth - 1)

    @query
    def run_a_mutation(ctx: QueryCtx) -> None:
        ctx._call(add, (), {"name": "x"})

    @mutation
    def run_an_action(ctx: MutationCtx) -> None:
        ctx._call(fetch, (), {})

    @mutation
    def run_a_mutation_as_query(ctx: MutationCtx) -> None:
        ctx.run_query(add, name="x")

    @mutation
    def run_a_query_as_mutation(ctx: MutationCtx) -> None:
        ctx.run_mutation(names)

    @mutation
    def run_a_text(ctx: MutationCtx) -> None:
        ctx.run_query("shop:no_names")

    @action
    async def fetch(ctx: ActionCtx) -> None: ...

    @query
    def call_badly(ctx: QueryCtx) -> int:
        return ctx.run_query(dive, depth="deep")

    @query
    def returns_badly(ctx: QueryCtx) -> list[str]:
        return ["a", 1]

    @query
    def calls_what_returns_badly(ctx: QueryCtx) -> None:
        ctx.run_query(returns_badly)

    @query
    def returns_an_object(ctx: QueryCtx) -> Any:
        return {"a": object()}

    @query
    def makes(ctx: QueryCtx, length: int) -> Any:
        return "x" * length

    @query
    def makes_many(ctx: QueryCtx, count: int, length: int) -> Any:
        return [bytes(length)] * count

    @query
    def takes(ctx: QueryCtx, text: Any) -> int:
        return len(text)

    @internal.query
    def hidden(ctx: QueryCtx) -> int:
        return 1

    @query
    def sees_hidden(ctx: QueryCtx) -> int:
        return ctx.run_query(hidden)
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"shop": SHOP}) as stepped:
        yield stepped


def names(app: SteppedApp) -> object:
    return value_of(app.query("shop:names"))


# --- Nested calls -----------------------------------------------------------------------------


def test_a_nested_mutation_that_fails_takes_back_its_own_writes_only(app: SteppedApp) -> None:
    assert value_of(app.mutate("shop:add_around")) == ["first"]
    assert names(app) == ["first"]


def test_nested_failures_take_back_step_by_step(app: SteppedApp) -> None:
    assert value_of(app.mutate("shop:deep_roll_back")) == ["kept"]


def test_a_mutation_that_fails_writes_nothing(app: SteppedApp) -> None:
    failure = app.mutate("shop:add_and_fail", name="x")

    assert isinstance(failure, Failure)
    assert names(app) == []


def test_functions_call_each_other_eight_deep_and_no_deeper(app: SteppedApp) -> None:
    assert value_of(app.query("shop:dive", depth=CALL_DEPTH_MAX)) == CALL_DEPTH_MAX

    text = message_of(app.query("shop:dive", depth=CALL_DEPTH_MAX + 1))
    assert text.startswith("Uncaught TransactionLimitError: functions call each other more than 8")


def test_a_function_may_call_an_internal_one(app: SteppedApp) -> None:
    assert value_of(app.query("shop:sees_hidden")) == 1


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (
            "shop:run_a_mutation",
            "run_a_mutation is a query and cannot run add, which is defined as Mutation.",
        ),
        (
            "shop:run_an_action",
            "run_an_action is a mutation and cannot run fetch, which is defined as Action.",
        ),
        (
            "shop:run_a_mutation_as_query",
            "run_query takes a query of the app, got add, which is defined as Mutation.",
        ),
        (
            "shop:run_a_query_as_mutation",
            "run_mutation takes a mutation of the app, got names, which is defined as Query.",
        ),
        ("shop:run_a_text", "Could not find public function for 'shop:no_names'."),
    ],
)
def test_what_cannot_be_called_from_here_is_refused(
    app: SteppedApp, path: str, wanted: str
) -> None:
    run = app.query if path == "shop:run_a_mutation" else app.mutate
    text = message_of(run(path))

    assert wanted in text
    assert names(app) == []


# --- Texts ------------------------------------------------------------------------------------


def test_an_unknown_function_and_an_internal_one_have_the_same_text(app: SteppedApp) -> None:
    assert message_of(app.query("shop:nothing")) == (
        "Could not find public function for 'shop:nothing'."
    )
    assert message_of(app.query("shop:hidden")) == (
        "Could not find public function for 'shop:hidden'."
    )
    assert message_of(app.query("nothing:default")) == (
        "Could not find public function for 'nothing'."
    )
    assert value_of(app.query("shop:hidden", ADMIN)) == 1


def test_a_function_of_any_kind_has_its_own_text_if_it_is_unknown(app: SteppedApp) -> None:
    answers = app.submit(None, "shop:nothing", {})

    assert message_of(outcome_of(answers)) == (
        "Could not find function for 'shop:nothing'. Did you forget to run `npx convex dev`?"
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [("shop:names", FunctionKind.QUERY), ("shop:add", FunctionKind.MUTATION)],
)
def test_a_function_of_any_kind_is_run_as_what_it_is(
    app: SteppedApp, path: str, kind: FunctionKind
) -> None:
    args = {"name": "x"} if kind is FunctionKind.MUTATION else {}
    answers = app.submit(None, path, args)
    app.step()

    assert isinstance(outcome_of(answers), Success)
    assert app.runs[0].kind is kind


def test_a_function_of_another_kind_is_named_with_both_kinds(app: SteppedApp) -> None:
    assert message_of(app.query("shop:add", name="x")) == (
        "Trying to execute shop.js:add as Query, but it is defined as Mutation."
    )
    assert message_of(app.mutate("shop:names")) == (
        "Trying to execute shop.js:names as Mutation, but it is defined as Query."
    )
    assert message_of(app.mutate("shop:fetch")) == (
        "Trying to execute shop.js:fetch as Mutation, but it is defined as Action."
    )


def test_arguments_that_do_not_match_have_the_text_of_the_protocol(app: SteppedApp) -> None:
    assert message_of(app.mutate("shop:add")) == (
        "ArgumentValidationError: Object is missing the required field `name`. Consider wrapping "
        "the field validator in `v.optional(...)` if this is expected.\n\n"
        "Object: {}\nValidator: v.object({name: v.string()})"
    )
    assert message_of(app.mutate("shop:add", name=3)) == (
        "ArgumentValidationError: Value does not match validator.\n"
        "Path: .name\nValue: 3.0\nValidator: v.string()"
    )
    assert message_of(app.mutate("shop:add", name="x", more=[1])) == (
        "ArgumentValidationError: Object contains extra field `more` that is not in the "
        'validator.\n\nObject: {more: [1.0], name: "x"}\nValidator: v.object({name: v.string()})'
    )


def test_results_that_do_not_match_have_the_text_of_the_protocol(app: SteppedApp) -> None:
    text = (
        "ReturnsValidationError: Value does not match validator.\n"
        "Path: [1]\nValue: 1.0\nValidator: v.string()"
    )
    assert message_of(app.query("shop:returns_badly")) == text
    assert message_of(app.query("shop:calls_what_returns_badly")) == text


def test_a_result_that_is_no_value_is_named(app: SteppedApp) -> None:
    text = message_of(app.query("shop:returns_an_object"))

    assert text.startswith("Uncaught InvalidValueError: ")
    assert "object" in text
    assert "Path: .a" in text


def test_arguments_of_a_nested_call_name_the_function_that_got_them(app: SteppedApp) -> None:
    text = message_of(app.query("shop:call_badly"))

    assert "dive, argument depth: " in text


# --- Sizes ------------------------------------------------------------------------------------

MIB = 1024 * 1024


def test_a_result_of_16_mib_is_the_largest(app: SteppedApp) -> None:
    fits = app.query("shop:makes", length=16 * MIB - 2)
    over = app.query("shop:makes", length=16 * MIB - 1)

    assert isinstance(fits, Success)
    assert message_of(over).split("\n")[0] == (
        "Uncaught InvalidValueError: Function shop.js:makes return value is too large (actual: "
        "16.00 MiB, limit: 16 MiB)"
    )


def test_a_result_that_only_its_json_makes_large_is_welcome(app: SteppedApp) -> None:
    outcome = app.query("shop:makes_many", count=1000, length=16_000)

    assert isinstance(outcome, Success)
    assert len(outcome.json) > 16 * MIB


def test_arguments_over_16_mib_are_refused(app: SteppedApp) -> None:
    assert value_of(app.query("shop:takes", text="x" * 1000)) == 1000
    text = message_of(app.query("shop:takes", text="x" * (17 * MIB)))

    assert text.split("\n")[0] == (
        "Uncaught InvalidValueError: Arguments for shop.js:takes are too large (actual: 17.00 MiB, "
        "limit: 16 MiB)"
    )


def test_finished_calls_are_observed_with_all_that_a_log_needs(app: SteppedApp) -> None:
    app.query("shop:names")
    app.mutate("shop:nothing")
    first, second = app.runs

    assert (first.path, first.kind, first.error) == ("shop:names", FunctionKind.QUERY, None)
    assert second.kind is FunctionKind.MUTATION
    assert second.request_id == "0123456789abcdef"
    assert second.error is not None
    assert "Could not find public function" in second.error
    assert second.duration_ms > 0
