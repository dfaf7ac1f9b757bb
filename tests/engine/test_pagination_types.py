"""``PaginationOptions`` and ``PaginationResult`` as annotations of functions."""

from typing import Any

import pytest

from livefile import (
    ArgumentValidationError,
    DefinitionError,
    PaginationOptions,
    PaginationResult,
    QueryCtx,
    ReturnsValidationError,
    Table,
    query,
)
from livefile import validators as v
from livefile.model.validator import trusted_tables


class Note(Table, name="notes"):
    text: str


@query
def notes(ctx: QueryCtx, room: str, options: PaginationOptions) -> PaginationResult[Note]:
    raise NotImplementedError


@query
def lengths(ctx: QueryCtx, options: PaginationOptions) -> PaginationResult[int]:
    raise NotImplementedError


ALL_KEYS = {
    "numItems": 10.0,
    "cursor": "abc",
    "endCursor": "def",
    "id": 7.0,
    "maximumRowsRead": 100.0,
    "maximumBytesRead": 1000.0,
}
ALL_OPTIONS = PaginationOptions(
    num_items=10,
    cursor="abc",
    end_cursor="def",
    id=7.0,
    maximum_rows_read=100,
    maximum_bytes_read=1000,
)


def load(options: dict[str, Any]) -> PaginationOptions:
    loaded: PaginationOptions = lengths.load_args({"paginationOpts": options}, trusted_tables)[
        "options"
    ]
    return loaded


def test_the_validator_is_the_protocol_s() -> None:
    assert str(notes.args_validator) == (
        "v.object({paginationOpts: v.object({cursor: v.union(v.string(), v.null()), "
        "endCursor: v.optional(v.union(v.string(), v.null())), id: v.optional(v.float64()), "
        "maximumBytesRead: v.optional(v.float64()), maximumRowsRead: v.optional(v.float64()), "
        "numItems: v.float64()}), room: v.string()})"
    )
    assert lengths.returns_validator == v.page_of(v.WHOLE_FLOAT64)


def test_options_come_from_the_wire_with_all_their_keys_or_the_two_that_must_be() -> None:
    assert load(ALL_KEYS) == ALL_OPTIONS
    assert load({"numItems": 3.0, "cursor": None}) == PaginationOptions(num_items=3)
    assert load({"numItems": 3.0, "cursor": None, "endCursor": None}).end_cursor is None


@pytest.mark.parametrize(
    "options",
    [
        {"numItems": 3.0},
        {"cursor": None},
        {"numItems": 2.5, "cursor": None},
        {"numItems": "3", "cursor": None},
        {"numItems": 3, "cursor": None},
        {"numItems": 3.0, "cursor": 4.0},
        {"numItems": 3.0, "cursor": None, "maximumRowsRead": None},
        {"numItems": 3.0, "cursor": None, "page": 3.0},
    ],
)
def test_other_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentValidationError, match=r"paginationOpts|Object"):
        load(options)


def test_a_python_caller_uses_the_name_of_the_parameter() -> None:
    by_name = notes.dump_args((), {"room": "a", "options": ALL_OPTIONS}, trusted_tables)
    by_place = notes.dump_args(("a", ALL_OPTIONS), {}, trusted_tables)
    by_wire_name = notes.dump_args((), {"room": "a", "paginationOpts": ALL_KEYS}, trusted_tables)

    assert by_name == by_place == by_wire_name == {"room": "a", "paginationOpts": ALL_KEYS}
    loaded = notes.load_args(by_name, trusted_tables)
    assert loaded == {"room": "a", "options": ALL_OPTIONS}


def test_options_that_are_none_do_not_go_on_the_wire() -> None:
    values = lengths.dump_args((PaginationOptions(num_items=3),), {}, trusted_tables)

    assert values == {"paginationOpts": {"numItems": 3.0, "cursor": None}}


def test_wrong_options_of_a_python_caller_are_refused() -> None:
    wrong: Any = PaginationOptions(num_items="many")  # type: ignore[arg-type]  # The test's point.

    with pytest.raises(ArgumentValidationError, match=r"Path: \.numItems"):
        lengths.dump_args((wrong,), {}, trusted_tables)


def test_one_function_has_options_once() -> None:
    @query
    def both(
        ctx: QueryCtx, one: PaginationOptions, other: PaginationOptions
    ) -> PaginationResult[Note]:
        raise NotImplementedError

    with pytest.raises(DefinitionError, match="two parameters are called 'paginationOpts'"):
        assert both.args_validator


def test_a_page_goes_out_with_the_protocol_s_names_and_comes_back() -> None:
    page = PaginationResult(
        page=[1, 2],
        is_done=False,
        continue_cursor="next",
        split_cursor="middle",
        page_status="SplitRecommended",
    )
    value = lengths.dump_result(page, trusted_tables)

    assert value == {
        "page": [1.0, 2.0],
        "isDone": False,
        "continueCursor": "next",
        "splitCursor": "middle",
        "pageStatus": "SplitRecommended",
    }
    assert lengths.load_result(value) == page


def test_a_page_may_be_given_other_rows() -> None:
    page = PaginationResult(page=["a", "bb"], is_done=True, continue_cursor="end")

    assert page.with_page([len(row) for row in page.page]) == PaginationResult(
        page=[1, 2], is_done=True, continue_cursor="end"
    )


@pytest.mark.parametrize(
    "result",
    [
        ["a list"],
        PaginationResult(page=[2.5], is_done=True, continue_cursor="x"),
        PaginationResult(page=[Note(text="a")], is_done=True, continue_cursor="x"),
    ],
)
def test_what_is_no_such_page_is_refused(result: object) -> None:
    with pytest.raises(ReturnsValidationError):
        lengths.dump_result(result, trusted_tables)
