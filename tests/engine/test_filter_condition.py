import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livefile import MISSING, Expression, FilterError, Int64, Table, field
from livefile.model.filter_condition import FilterCondition
from livefile.model.index_key import Missing
from livefile.model.value import INT64_MAX, INT64_MIN, Value
from tests.strategies import values
from tests.tables import Player
from tests.value_order import compare


class Part(Table, name="parts"):
    name: str
    count: int
    serial: Int64 = Int64(0)
    owner: str | None = None


def holds(expression: Expression, fields: Mapping[str, Value]) -> bool:
    return FilterCondition(expression, "things").holds(fields)


def holds_for(expression: Expression, table: type[Table], fields: Mapping[str, Value]) -> bool:
    definition = table.__livefile_table__
    return FilterCondition(
        expression, definition.name, definition.annotations, definition.defaults
    ).holds(fields)


OPERANDS = st.just(MISSING) | values()


@given(left=OPERANDS, right=OPERANDS)
@example(left=1, right=1.0)
@example(left=0.0, right=-0.0)
@example(left=math.nan, right=math.nan)
@example(left=MISSING, right=None)
def test_comparisons_follow_the_order_of_values(
    left: Value | Missing, right: Value | Missing
) -> None:
    fields = {n: x for n, x in (("a", left), ("b", right)) if not isinstance(x, Missing)}
    order = compare(left, right)
    a, b = field("a"), field("b")

    assert holds(a == b, fields) == (order == 0)
    assert holds(a != b, fields) == (order != 0)
    assert holds(a < b, fields) == (order < 0)
    assert holds(a <= b, fields) == (order <= 0)
    assert holds(a > b, fields) == (order > 0)
    assert holds(a >= b, fields) == (order >= 0)


CONDITIONS = st.recursive(
    st.sampled_from(["a", "b", "c"]).map(field) | st.booleans().map(lambda b: field("a") & b),
    lambda inner: (
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1])
        | st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1])
        | inner.map(lambda expression: ~expression)
    ),
    max_leaves=12,
)


def model_of(expression: Expression, fields: Mapping[str, Any]) -> bool:
    """Evaluate a condition of fields that are all true or false."""
    parts = expression.operands
    match expression.operator:
        case "field":
            return bool(fields[expression.content])
        case "constant":
            return bool(expression.content)
        case "and":
            return all(model_of(part, fields) for part in parts)
        case "or":
            return any(model_of(part, fields) for part in parts)
        case "not":
            return not model_of(parts[0], fields)
    raise AssertionError(expression)


@given(CONDITIONS, st.booleans(), st.booleans(), st.booleans())
def test_and_or_and_not_are_those_of_logic(
    expression: Expression, a: bool, b: bool, c: bool
) -> None:
    fields = {"a": a, "b": b, "c": c}

    assert holds(expression, fields) == model_of(expression, fields)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        (field("x") + 0.5, 7.5),
        (field("x") - 0.5, 6.5),
        (field("x") * 2, 14.0),
        (field("x") / 2, 3.5),
        (field("x") % 4, 3.0),
        (-field("x") % 4, -3.0),  # The sign of the dividend, where Python takes the divisor's.
        (field("x") / 0, math.inf),
        (-field("x") / 0, -math.inf),
        (field("x") / -0.0, -math.inf),
        (field("zero") / 0, math.nan),
        (field("x") % 0, math.nan),
        (field("inf") % 2, math.nan),
        (field("x") % math.inf, 7.0),
        (field("huge") * 10, math.inf),
        (field("n") + Int64(1), 8),
        (field("n") - Int64(1), 6),
        (field("n") * Int64(2), 14),
        (field("n") / Int64(2), 3),
        (-field("n") / Int64(2), -3),  # Towards zero.
        (field("n") % Int64(4), 3),
        (-field("n") % Int64(4), -3),
        (-field("n") % Int64(-4), -3),
        (-field("n"), -7),
        (-field("x"), -7.0),
    ],
)
def test_arithmetic_is_that_of_the_two_kinds_of_numbers(
    expression: Expression, result: float | int
) -> None:
    fields = {"x": 7.0, "zero": 0.0, "inf": math.inf, "huge": 1e308, "n": 7}

    assert holds(expression == (Int64(result) if isinstance(result, int) else result), fields)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (field("x") + field("n"), r"Cannot add 7\.0 and 7: want two numbers or two 64-bit"),
        (field("x") - "a", r'Cannot sub 7\.0 and "a"'),
        (field("gone") * 2, r"Cannot mul a missing field and 2\.0"),
        (field("x") / None, r"Cannot div 7\.0 and null"),
        (field("x") % [1], r"Cannot mod 7\.0 and \[1\.0\]"),
        (field("flag") + field("flag"), "Cannot add true and true"),
        (-field("text"), 'Cannot negate "hi"'),
        (-field("gone"), "Cannot negate a missing field"),
        (field("most") + Int64(1), r"add\(9223372036854775807, 1\) does not fit"),
        (-field("least"), r"-\(-9223372036854775808\) does not fit"),
        (field("least") / Int64(-1), "does not fit into a 64-bit integer"),
        (field("n") / Int64(0), r"div\(7, 0\): division by zero"),
        (field("n") % Int64(0), r"mod\(7, 0\): division by zero"),
        (~field("x"), r"not takes conditions, got 7\.0; compare it with something"),
        (field("flag") & field("text"), 'and takes conditions, got "hi"'),
        (field("gone") | field("flag"), "or takes conditions, got a missing field"),
        (field("x") + 1, r"a filter takes conditions, got 8\.0"),
        (field("text"), 'a filter takes conditions, got "hi"'),
    ],
)
def test_what_an_operator_cannot_take_is_named(expression: Expression, text: str) -> None:
    fields: dict[str, Value] = {
        "x": 7.0, "n": 7, "flag": True, "text": "hi", "most": INT64_MAX, "least": INT64_MIN
    }  # fmt: skip

    with pytest.raises(FilterError, match=text):
        holds(expression, fields)


def test_what_is_decided_is_not_looked_at_further() -> None:
    wrong = field("text") + 1 > 0

    assert not holds(field("flag") & wrong, {"flag": False})
    assert holds(field("flag") | wrong, {"flag": True})


def test_dots_lead_into_objects() -> None:
    document: dict[str, Value] = {"place": {"city": "Rome", "at": {"x": 1.0}}, "flat": "Rome"}

    assert holds(field("place.city") == "Rome", document)
    assert holds(field("place.at.x") == 1, document)
    assert holds(field("place.at") == {"x": 1}, document)
    assert holds(field("place.zip") == MISSING, document)
    assert holds(field("flat.city") == MISSING, document)
    assert holds(field("nowhere.city") == MISSING, document)


def test_a_missing_field_is_equal_to_nothing_else_and_below_everything() -> None:
    assert holds(field("a") == MISSING, {})
    assert holds(field("a") < None, {})
    assert not holds(field("a") == None, {})  # noqa: E711  # Null is a value here.
    assert not holds(field("a") == MISSING, {"a": None})


def test_a_constant_is_what_the_field_beside_it_would_hold() -> None:
    part: dict[str, Value] = {"name": "bolt", "count": 3.0, "serial": 7, "owner": None}

    assert holds_for(field("serial") == 7, Part, part)
    assert holds_for(field("serial") + 1 == 8, Part, part)
    assert holds_for((field("serial") > 6) & (field("serial") < 8), Part, part)
    assert holds_for(field("count") == 3, Part, part)
    assert holds_for(field("count") > 2.5, Part, part)  # No count, and still comparable.
    assert holds_for(field("count") < "many", Part, part)
    assert holds_for(field("owner") == None, Part, part)  # noqa: E711  # As above.


def test_a_document_that_is_too_old_for_a_field_has_its_default() -> None:
    assert holds_for(field("serial") == 0, Part, {"name": "bolt", "count": 3.0})


def test_the_system_s_fields_have_both_of_their_names() -> None:
    document: dict[str, Value] = {"_id": "abc", "_creationTime": 5.0, "name": "Ada"}

    assert holds_for(field("id") == "abc", Player, document)
    assert holds_for(field("creation_time") == 5, Player, document)
    assert holds(field("_id") == "abc", document)
    assert holds_for(field("_creationTime") > 4, Player, document)


def test_a_field_that_the_table_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(
        FilterError, match=r"table parts has no field 'nmae'; it has id, creation_time, name, count"
    ):
        FilterCondition(field("nmae") == 1, "parts", Part.__livefile_table__.annotations)


def test_forms_tell_conditions_apart() -> None:
    conditions = [
        field("a") == 1,
        field("a") == Int64(1),
        field("a") == "1",
        field("a") == MISSING,
        field("a") == None,  # noqa: E711  # As above.
        field("b") == 1,
        field("a.b") == 1,
        field("a") != 1,
        field("a") == field("b"),
        ~(field("a") == 1),
        (field("a") == 1) & (field("a") == 1),
    ]
    forms = [repr(FilterCondition(condition, "t").form) for condition in conditions]

    assert len(set(forms)) == len(conditions)
    assert FilterCondition(field("a") == 1, "t").form == FilterCondition(field("a") == 1, "t").form
