import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest

from livefile import (
    ActionCtx,
    ArgumentValidationError,
    DefinitionError,
    FunctionKind,
    Id,
    Int64,
    MutationCtx,
    QueryCtx,
    ReturnsValidationError,
    Table,
    action,
    internal,
    mutation,
    query,
)
from livefile.model.validator import trusted_tables


class Note(Table, name="notes"):
    text: str


@query
def titles(ctx: QueryCtx, room: str, count: int = 10, *, exact: bool = False) -> list[str]:
    """Return some titles."""
    return [f"{room} {count} {exact}"]


def test_the_decorators_say_what_a_function_may_do() -> None:
    @mutation
    def send(ctx: MutationCtx) -> None: ...

    @action
    async def fetch(ctx: ActionCtx) -> None: ...

    assert [f.kind for f in (titles, send, fetch)] == list(FunctionKind)
    assert not titles.is_internal


def test_internal_functions_are_marked() -> None:
    @internal.query
    def one(ctx: QueryCtx) -> None: ...

    @internal.mutation
    def two(ctx: MutationCtx) -> None: ...

    @internal.action
    async def three(ctx: ActionCtx) -> None: ...

    assert [f.kind for f in (one, two, three)] == list(FunctionKind)
    assert all(f.is_internal for f in (one, two, three))


def test_a_function_is_called_after_its_body_unless_it_is_named() -> None:
    @query(name="list")
    def list_notes(ctx: QueryCtx) -> None: ...

    @internal.mutation(name="drop")
    def drop_notes(ctx: MutationCtx) -> None: ...

    assert titles.name == "titles"
    assert list_notes.name == "list"
    assert (drop_notes.name, drop_notes.is_internal) == ("drop", True)


@pytest.mark.parametrize("name", ["a b", "2a", "a-b", "_a b", "x" * 65, "ü"])
def test_a_name_that_clients_cannot_write_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="function"):
        query(name=name)(lambda ctx: None)


def test_a_function_looks_like_its_body() -> None:
    shown: Any = titles

    assert shown.__name__ == "titles"
    assert shown.__doc__ == "Return some titles."
    assert shown.__module__ == __name__
    assert list(inspect.signature(shown).parameters) == ["ctx", "room", "count", "exact"]


def test_calling_a_function_runs_its_body_as_any_helper() -> None:
    context: Any = None
    assert titles(context, "a", exact=True) == ["a 10 True"]


def test_the_signature_is_the_validator() -> None:
    assert str(titles.args_validator) == (
        "v.object({count: v.optional(v.float64()), exact: v.optional(v.boolean()), "
        "room: v.string()})"
    )
    assert str(titles.returns_validator) == "v.array(v.string())"


def test_without_a_return_annotation_every_value_may_be_returned() -> None:
    def body(ctx, id: Id[Note]):  # type: ignore[no-untyped-def]
        return {"a": 1}

    defined = query(body)

    assert str(defined.returns_validator) == "v.any()"
    assert str(defined.args_validator) == 'v.object({id: v.id("notes")})'


def test_annotations_may_be_texts_and_name_tables_that_come_later() -> None:
    @query
    def find(ctx: "QueryCtx", id: "Id[Note]") -> "Note | None":
        return ctx.db.get(id)

    assert str(find.args_validator) == 'v.object({id: v.id("notes")})'
    assert "_creationTime" in str(find.returns_validator)


def test_a_description_has_the_path_and_no_python_types() -> None:
    description = titles.describe("notes:titles")

    assert (description.path, description.kind) == ("notes:titles", FunctionKind.QUERY)
    assert description.args == titles.args_validator
    assert description.returns == titles.returns_validator
    assert not description.is_internal


async def an_async_body(ctx: Any) -> None: ...


def a_plain_body(ctx: Any) -> None: ...


@pytest.mark.parametrize(
    ("decorate", "body", "wanted"),
    [
        (query, an_async_body, "query an_async_body: write def, without async"),
        (mutation, an_async_body, "mutation an_async_body: write def, without async"),
        (action, a_plain_body, "action a_plain_body: write async def"),
        (internal.query, an_async_body, "query an_async_body: write def, without async"),
        (query(name="x"), an_async_body, "query an_async_body: write def, without async"),
    ],
)
def test_async_is_for_actions_and_for_nothing_else(
    decorate: Callable[[Any], Any], body: Callable[..., Any], wanted: str
) -> None:
    with pytest.raises(DefinitionError) as raised:
        decorate(body)

    assert str(raised.value) == wanted


async def an_async_generator(ctx: Any) -> Any:
    yield 1


def a_generator(ctx: Any) -> Any:
    yield 1


@pytest.mark.parametrize("decorate", [query, mutation, action])
@pytest.mark.parametrize("body", [a_generator, an_async_generator])
def test_a_body_that_yields_is_refused(
    decorate: Callable[[Any], Any], body: Callable[..., Any]
) -> None:
    with pytest.raises(DefinitionError, match=f"{body.__name__}: .*return"):
        decorate(body)


def no_context() -> None: ...


def untyped(ctx: QueryCtx, room) -> None: ...  # type: ignore[no-untyped-def]


def positional(ctx: QueryCtx, room: str, /) -> None: ...


def starred(ctx: QueryCtx, *rooms: str) -> None: ...


def double_starred(ctx: QueryCtx, **rooms: str) -> None: ...


def unsupported(ctx: QueryCtx, rooms: set[str]) -> None: ...


def unsupported_inside(ctx: QueryCtx, rooms: list[dict[str, complex]]) -> None: ...


def unsupported_result(ctx: QueryCtx) -> Sequence[Callable[[], None]]:
    return []


def unknown(ctx: QueryCtx, room: "Rooom") -> None: ...  # type: ignore[name-defined]  # noqa: F821


def malformed(ctx: QueryCtx, room: "list[") -> None: ...  # type: ignore[valid-type]  # noqa: F722


def of_no_table(ctx: QueryCtx, room: "Id[int]") -> None: ...


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (no_context, "context"),
        (untyped, "'room' has no annotation"),
        (positional, "room"),
        (starred, "rooms"),
        (double_starred, "rooms"),
        (unsupported, "rooms: the annotation set[str] has no counterpart"),
        (unsupported_inside, "rooms: the annotation <class 'complex'> has no counterpart"),
        (unsupported_result, "return: the annotation"),
        (unknown, "room: name 'Rooom' is not defined"),
        (malformed, "room: "),
        (of_no_table, "room: "),
    ],
)
def test_a_signature_that_clients_cannot_call_names_function_and_parameter(
    body: Callable[..., Any], wanted: str
) -> None:
    defined: Any = query(body)
    with pytest.raises(DefinitionError) as raised:
        assert defined.args_validator

    assert body.__name__ in str(raised.value)
    assert wanted in str(raised.value)


def test_arguments_of_a_client_become_python_objects() -> None:
    @query
    def find(ctx: QueryCtx, big: Int64, mode: Literal["a", "b"], when: float) -> None: ...

    loaded = find.load_args({"big": 4, "mode": "a", "when": 1.0}, trusted_tables)

    assert loaded == {"big": Int64(4), "mode": "a", "when": 1.0}
    assert type(loaded["big"]) is Int64


def test_whole_numbers_arrive_as_ints() -> None:
    loaded = titles.load_args({"room": "a", "count": 3.0}, trusted_tables)

    assert loaded == {"room": "a", "count": 3}
    assert type(loaded["count"]) is int


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ({}, "Object is missing the required field `room`."),
        ({"room": 1.0}, "Path: .room"),
        ({"room": "a", "more": 1.0}, "Object contains extra field `more`"),
        ({"room": "a", "count": 1.5}, "Path: .count"),
        ({"room": "a", "count": None}, "Path: .count"),
    ],
)
def test_arguments_that_the_signature_does_not_accept_are_refused(
    args: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(ArgumentValidationError) as raised:
        titles.load_args(args, trusted_tables)

    assert str(raised.value).startswith("ArgumentValidationError: ")
    assert wanted in str(raised.value)


def test_arguments_of_python_become_values() -> None:
    assert titles.dump_args(("a", 2), {"exact": True}, trusted_tables) == {
        "room": "a",
        "count": 2.0,
        "exact": True,
    }


@pytest.mark.parametrize(
    ("args", "kwargs", "wanted"),
    [
        (("a", 1, True, 4), {}, "titles takes 3 arguments, got 4"),
        ((), {"rooom": "a"}, "titles has no argument 'rooom'; it has room, count, exact"),
        (("a",), {"room": "b"}, "titles got the argument 'room' twice"),
        ((1,), {}, "titles, argument room: "),
        (("a", object()), {}, "titles, argument count: "),
        (("a", 2**60), {}, "titles, argument count: "),
    ],
)
def test_arguments_of_python_that_do_not_fit_name_the_function(
    args: tuple[Any, ...], kwargs: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(ArgumentValidationError) as raised:
        titles.dump_args(args, kwargs, trusted_tables)

    assert str(raised.value).startswith(wanted)


def test_a_result_that_the_annotation_does_not_accept_is_refused() -> None:
    with pytest.raises(ReturnsValidationError) as raised:
        titles.dump_result(["a", 1], trusted_tables)

    assert str(raised.value) == (
        "ReturnsValidationError: Value does not match validator.\n"
        "Path: [1]\nValue: 1.0\nValidator: v.string()"
    )


def test_a_result_survives_the_way_out_and_back() -> None:
    @query
    def count(ctx: QueryCtx) -> dict[str, int | None]:
        return {}

    value = count.dump_result({"a": 1, "b": None}, trusted_tables)

    assert value == {"a": 1.0, "b": None}
    assert count.load_result(value) == {"a": 1, "b": None}
