from typing import Any

import pytest

from livefile import Expression, FilterError, field
from livefile.model.filter_condition import FilterCondition


def holds(expression: Expression, **fields: Any) -> bool:
    return FilterCondition(expression, "things").holds(fields)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        (field("a") == 1, "eq(field('a'), 1)"),
        (field("a") != "x", "neq(field('a'), 'x')"),
        (field("a") < 1, "lt(field('a'), 1)"),
        (field("a") > 1, "gt(field('a'), 1)"),
        (field("a") <= 1, "lte(field('a'), 1)"),
        (field("a") >= field("b.c"), "gte(field('a'), field('b.c'))"),
        (field("a") + 1, "add(field('a'), 1)"),
        (1 + field("a"), "add(1, field('a'))"),
        (field("a") - 1, "sub(field('a'), 1)"),
        (1 - field("a"), "sub(1, field('a'))"),
        (field("a") * 2, "mul(field('a'), 2)"),
        (2 * field("a"), "mul(2, field('a'))"),
        (field("a") / 2, "div(field('a'), 2)"),
        (2 / field("a"), "div(2, field('a'))"),
        (field("a") % 2, "mod(field('a'), 2)"),
        (2 % field("a"), "mod(2, field('a'))"),
        (-field("a"), "neg(field('a'))"),
        (~(field("a") == 1), "not(eq(field('a'), 1))"),
        (field("a") & field("b"), "and(field('a'), field('b'))"),
        (field("a") & True, "and(field('a'), True)"),
        (False | field("a"), "or(False, field('a'))"),
        (field("a") & field("b") & field("c"), "and(field('a'), field('b'), field('c'))"),
        (field("a") | (field("b") & field("c")), "or(field('a'), and(field('b'), field('c')))"),
    ],
)
def test_every_operator_of_python_becomes_the_protocol_s(
    expression: Expression, shown: str
) -> None:
    assert repr(expression) == shown


def test_an_expression_is_neither_true_nor_false() -> None:
    positive = field("a") > 0

    with pytest.raises(FilterError, match=r"join comparisons with &, \| and ~"):
        _ = positive and field("b") > 0
    with pytest.raises(FilterError, match="neither true nor false"):
        _ = not positive
    with pytest.raises(FilterError, match="neither true nor false"):
        _ = 0 < field("a") < 3


def test_comparisons_that_are_joined_without_brackets_are_refused() -> None:
    with pytest.raises(FilterError, match=r"1 is no condition: put each comparison .* brackets"):
        _ = field("a") == 1 & field("b")  # type: ignore[operator]  # As mypy finds.
    with pytest.raises(FilterError, match="into brackets"):
        field("a") | "x"  # type: ignore[operator]  # What the test is about.


@pytest.mark.parametrize("path", ["", None, 3])
def test_a_field_has_a_name(path: Any) -> None:
    with pytest.raises(FilterError, match="want the name of a field"):
        field(path)


def test_many_conditions_can_be_joined_one_after_the_other() -> None:
    expression = field("a") == 0
    for number in range(1, 2000):
        expression |= field("a") == number

    assert holds(expression, a=1999.0)
    assert not holds(expression, a=2000.0)
