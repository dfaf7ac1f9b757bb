"""TypeScript functions, values and validators: what Convex documents, through the npm client.

"Data types", "Argument and return value validation" are pages of Convex's documentation.
Functions are in ``conformance/convex``.
"""

import base64
from typing import Any

import pytest

from tests.acceptance.node_client import NodeClient, NodeFunctionError

pytestmark = pytest.mark.node


def integer(value: int) -> dict[str, str]:
    """Return the wire's form of a 64-bit integer."""
    return {"$integer": base64.b64encode(value.to_bytes(8, "little", signed=True)).decode()}


NAN = {"$float": "AAAAAAAA+H8="}
INFINITY = {"$float": "AAAAAAAA8H8="}
MINUS_INFINITY = {"$float": "AAAAAAAA8P8="}
MINUS_ZERO = {"$float": "AAAAAAAAAIA="}
BYTES = {"$bytes": "AP8="}

# "Data types": null, bigint (64 bits), number (with all IEEE values), boolean, string, ArrayBuffer,
# Array, Object.
VALUES: dict[str, Any] = {  # Any: values of every type, in the wire's encoding.
    "null": None,
    "booleans": [True, False],
    "numbers": [0, 1, -1.5, 1e300, 5e-324, 9007199254740992],
    "special numbers": [NAN, INFINITY, MINUS_INFINITY, MINUS_ZERO],
    "integers": [integer(0), integer(-1), integer(2**63 - 1), integer(-(2**63))],
    "strings": ["", "plain", "\x00\u2028\ud7ff\uffff", "smile \U0001f600"],
    "bytes": [{"$bytes": ""}, BYTES],
    "containers": [[], {}, [[[]]], {"": {"_nested": [{"a b": 1}]}}],
}


def failure(client: NodeClient, operation: str, path: str, **args: object) -> NodeFunctionError:
    with pytest.raises(NodeFunctionError) as caught:
        client.call(operation, path=path, args=args)
    return caught.value


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("query", "values:echo"),
        ("mutation", "values:echoMutation"),
        ("action", "values:echoAction"),
        ("httpQuery", "values:echo"),
        ("httpMutation", "values:echoMutation"),
        ("httpAction", "values:echoAction"),
    ],
)
def test_every_value_comes_back_as_it_went(
    shared_client: NodeClient, operation: str, path: str, name: str
) -> None:
    value = VALUES[name]

    assert shared_client.call(operation, path=path, args={"value": value}) == value


@pytest.mark.parametrize("name", VALUES)
def test_every_value_can_be_stored(shared_client: NodeClient, name: str) -> None:
    # "Data types": field names of documents begin neither with "$" nor with "_".
    value: Any = VALUES[name] if name != "containers" else [[], {}, [[[]]], {"": {"a b": 1}}]
    group = f"stored {name}"

    read = shared_client.call(
        "mutation", path="values:store", args={"group": group, "value": value}
    )

    assert read == value
    assert shared_client.call("query", path="values:ordered", args={"group": group}) == [value]


def test_a_function_gets_the_types_of_javascript(shared_client: NodeClient) -> None:
    value: list[object] = [None, integer(-5), 1.5, MINUS_ZERO, NAN, True, "text", BYTES, {"a": []}]

    kinds = shared_client.call("query", path="values:kinds", args={"value": value})

    assert kinds == (
        "[null, bigint -5, number 1.5, number -0, number NaN, boolean true, string text, "
        "ArrayBuffer(0 255), {a: []}]"
    )


def test_values_of_all_types_have_one_order(shared_client: NodeClient) -> None:
    # "Data types": undefined < null < bigint < number < boolean < string < ArrayBuffer < Array
    # < Object.
    ascending: list[Any] = [
        None,
        integer(-(2**63)),
        integer(7),
        MINUS_INFINITY,
        -1,
        MINUS_ZERO,
        0,
        2.5,
        INFINITY,
        NAN,
        False,
        True,
        "",
        "B",
        "a",
        "ä",
        {"$bytes": ""},
        BYTES,
        [],
        [1],
        [1, 0],
        {},
        {"a": 1},
        {"a": 2},
        {"b": 0},
    ]
    for value in reversed(ascending):
        args = {"group": "order", "value": value}
        shared_client.call("mutation", path="values:store", args=args)
    shared_client.call("mutation", path="values:storeNothing", args={"group": "order"})

    found = shared_client.call("query", path="values:ordered", args={"group": "order"})
    assert found == ["absent", *ascending]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # "Data types": undefined is no value; a function that returns it returns null, and fields
        # that are undefined are left out.
        ("nothing", None),
        ("undefined field", {"kept": 1, "inner": [{}]}),
    ],
)
def test_undefined_is_left_out(shared_client: NodeClient, name: str, value: object) -> None:
    assert shared_client.call("query", path="values:result", args={"name": name}) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("undefined element", "undefined is not a valid Convex value"),
        ("dollar field", "starts with a '$', which is reserved"),
        ("field that is not ASCII", "can only contain non-control ASCII characters"),
        ("date", "is not a supported Convex type"),
        ("map", "is not a supported Convex type"),
        ("large bigint", "does not fit into a 64-bit signed integer"),
        ("a function", "is not a supported Convex type"),
        ("a class", "is not a supported Convex type"),
    ],
)
def test_what_is_no_value_cannot_be_returned(
    shared_client: NodeClient, name: str, text: str
) -> None:
    assert text in str(failure(shared_client, "query", "values:result", name=name))


# --- Validators -----------------------------------------------------------------------------------

GOOD: list[tuple[str, Any]] = [
    ("number", 1.5),
    ("number", NAN),
    ("float", MINUS_ZERO),
    ("integer", integer(2**63 - 1)),
    ("boolean", False),
    ("string", ""),
    ("bytes", BYTES),
    ("nothing", None),
    ("literal", "red"),
    ("literal", 7),
    ("literal", True),
    ("array", []),
    ("array", [1, 2.5]),
    ("record", {}),
    ("record", {"a": 1, "b": 2}),
    ("object", {"needed": "x"}),
    ("object", {"needed": "x", "spare": 1}),
    ("union", "text"),
    ("union", {"a": 1}),
    ("nullable", None),
    ("nullable", "text"),
    ("any", [integer(1), {"x": None}]),
]

BAD: list[tuple[str, Any, str]] = [
    ("number", "1", "v.float64()"),
    ("number", integer(1), "v.float64()"),
    ("float", None, "v.float64()"),
    ("integer", 1, "v.int64()"),
    ("boolean", 0, "v.boolean()"),
    ("string", 1, "v.string()"),
    ("bytes", "AP8=", "v.bytes()"),
    ("nothing", 0, "v.null()"),
    ("id", "no id", 'v.id("people")'),
    ("literal", "blue", 'v.literal("red")'),
    ("literal", False, "v.literal(true)"),
    ("array", [1, "2"], "v.float64()"),
    ("array", {"a": 1}, "v.array(v.float64())"),
    ("record", {"a": "b"}, "v.float64()"),
    ("object", {"spare": 1}, "needed"),
    ("object", {"needed": "x", "other": 1}, "other"),
    ("object", {"needed": "x", "spare": None}, "v.float64()"),
    ("union", 1, "v.union("),
    ("union", {"a": "1"}, "v.union("),
    ("nullable", 1, "v.string()"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_an_argument_that_fits_is_taken(
    shared_client: NodeClient, name: str, value: object
) -> None:
    assert shared_client.call("query", path="validators:all", args={name: value}) == [name]


@pytest.mark.parametrize(("name", "value", "text"), BAD)
def test_an_argument_that_does_not_fit_is_refused_by_name(
    shared_client: NodeClient, name: str, value: object, text: str
) -> None:
    error = failure(shared_client, "query", "validators:all", **{name: value})

    assert "ArgumentValidationError: " in str(error)
    assert text in str(error)
    assert f".{name}" in str(error) or text in ("needed", "other")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({}, "Object is missing the required field `name`"),
        ({"name": "n", "extra": 1}, "Object contains extra field `extra`"),
        (
            {"name": 1},
            "Value does not match validator.\nPath: .name\nValue: 1.0\nValidator: v.string()",
        ),
    ],
)
def test_a_wrong_call_is_answered_with_convexs_text(
    shared_client: NodeClient, args: dict[str, object], text: str
) -> None:
    error = failure(shared_client, "query", "validators:needed", **args)

    assert f"ArgumentValidationError: {text}" in str(error)


def test_a_function_without_validators_takes_any_arguments(shared_client: NodeClient) -> None:
    names = shared_client.call("query", path="validators:unchecked", args={"b": 1, "a": [None]})

    assert names == ["a", "b"]


def test_results_are_validated(shared_client: NodeClient) -> None:
    assert shared_client.call("query", path="validators:returnsString", args={"value": "x"}) == "x"
    assert shared_client.call("mutation", path="validators:returnsNull") is None
    good = {"a": 1, "b": "x"}
    path = "validators:returnsObject"
    assert shared_client.call("action", path=path, args={"value": good}) == good

    for operation, name, value in (
        ("query", "returnsString", 1),
        ("action", "returnsObject", {"b": "x"}),
        ("action", "returnsObject", {"a": 1, "c": 1}),
    ):
        error = failure(shared_client, operation, f"validators:{name}", value=value)
        assert "ReturnsValidationError: " in str(error)


def test_arguments_of_nested_calls_are_validated(shared_client: NodeClient) -> None:
    path = "validators:nested"
    assert shared_client.call("query", path=path, args={"name": "x"}) == "checked"

    error = failure(shared_client, "query", path, name=1)
    assert "ArgumentValidationError: " in str(error)
