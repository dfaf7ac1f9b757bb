"""Calls through the unmodified npm client on Node.js: values, errors, texts.

The numbers are those of the rule list in the protocol's fact sheet. Rules that no client
shows are in ``test_wire_rules.py``.
"""

import base64
import re
from typing import Any

import pytest

from tests.acceptance.node_client import NodeClient, NodeFunctionError

pytestmark = pytest.mark.node


def integer(value: int) -> dict[str, str]:
    """Return the wire's form of a 64-bit integer."""
    return {"$integer": base64.b64encode(value.to_bytes(8, "little", signed=True)).decode()}


VALUES: dict[str, Any] = {  # Any: values of every type, in the wire's encoding.
    "null": None,
    "booleans": [True, False],
    "numbers": [0, 1, -1.5, 1e300, 5e-324, 9007199254740992],
    "special numbers": [
        {"$float": "AAAAAAAA+H8="},  # NaN
        {"$float": "AAAAAAAA8H8="},  # Infinity
        {"$float": "AAAAAAAA8P8="},  # -Infinity
        {"$float": "AAAAAAAAAIA="},  # -0.0
    ],
    "integers": [integer(0), integer(-1), integer(2**63 - 1), integer(-(2**63))],
    "strings": ["", "plain", "\x00\u2028\ud7ff\uffff", "smile \U0001f600"],
    "bytes": [{"$bytes": ""}, {"$bytes": "AP8="}],
    "containers": [[], {}, [[[]]], {"": {"_nested": [{"a b": 1}]}}],
}


def failure(client: NodeClient, operation: str, path: str, **args: object) -> NodeFunctionError:
    with pytest.raises(NodeFunctionError) as caught:
        client.call(operation, path=path, args=args)
    return caught.value


# --- Values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("query", "values:echo"),
        ("mutation", "values:echo_mutation"),
        ("action", "values:echo_action"),
        ("httpQuery", "values:echo"),
        ("httpMutation", "values:echo_mutation"),
        ("httpAction", "values:echo_action"),
    ],
)
def test_every_value_comes_back_as_it_went(
    client: NodeClient, operation: str, path: str, name: str
) -> None:
    value = VALUES[name]

    assert client.call(operation, path=path, args={"value": value}) == value


def test_a_signature_says_what_python_gets(client: NodeClient) -> None:
    types = client.call(
        "query",
        path="values:typed",
        args={
            "number": 1,
            "whole": 2,
            "big": integer(3),
            "raw": {"$bytes": "AA=="},
            "flag": True,
            "text": "t",
            "items": [1, 2.5],
            "table": {"a": "b"},
        },
    )

    assert types == "float int Int64 bytes bool str list dict str NoneType"


# --- Calls and errors ---------------------------------------------------------------------------


def test_rule_4_a_plain_error_has_no_data(client: NodeClient) -> None:
    error = failure(client, "query", "errors:raise_plain")

    assert not error.is_convex_error
    text = r"\[CONVEX Q\(errors:raise_plain\)\] \[Request ID: [0-9a-f]{16}\] Server Error\n"
    assert re.match(text + "Uncaught ValueError: the plain error", str(error)), str(error)
    assert str(error).endswith("\n  Called by client")


@pytest.mark.parametrize(
    ("operation", "path", "args"),
    [
        ("mutation", "errors:raise_plain_mutation", {"topic": "rule 4"}),
        ("action", "errors:raise_plain_action", {}),
        ("httpQuery", "errors:raise_plain", {}),
        ("httpMutation", "errors:raise_plain_mutation", {"topic": "rule 4"}),
        ("httpAction", "errors:raise_plain_action", {}),
    ],
)
def test_rule_4_no_plain_error_is_a_convex_error(
    client: NodeClient, operation: str, path: str, args: dict[str, object]
) -> None:
    error = failure(client, operation, path, **args)

    assert not error.is_convex_error
    assert "Uncaught ValueError: the plain error" in str(error)


@pytest.mark.parametrize("data", [None, "text", 1.5, integer(7), {"code": "full", "left": [0]}])
@pytest.mark.parametrize(
    ("operation", "path", "extra"),
    [
        ("query", "errors:raise_data", {}),
        ("mutation", "errors:raise_data_mutation", {"topic": "data"}),
        ("action", "errors:raise_data_action", {}),
        ("httpQuery", "errors:raise_data", {}),
        ("httpMutation", "errors:raise_data_mutation", {"topic": "data"}),
        ("httpAction", "errors:raise_data_action", {}),
    ],
)
def test_rule_4_the_data_of_a_convex_error_arrive(
    client: NodeClient, operation: str, path: str, extra: dict[str, object], data: object
) -> None:
    error = failure(client, operation, path, data=data, **extra)

    assert error.is_convex_error
    assert error.has_data
    assert error.data == data


def test_a_mutation_that_raises_writes_nothing(client: NodeClient) -> None:
    failure(client, "mutation", "errors:raise_plain_mutation", topic="rollback")
    failure(client, "mutation", "errors:raise_data_mutation", topic="rollback", data="no")

    assert client.call("query", path="journal:entries", args={"topic": "rollback"}) == []


@pytest.mark.parametrize(
    ("operation", "path", "args", "text"),
    [
        ("query", "values:absent", {}, "Could not find public function for 'values:absent'."),
        (
            "mutation",
            "counters:reset",
            {"name": "n"},
            "Could not find public function for 'counters:reset'.",
        ),
        (
            "mutation",
            "counters:get",
            {"name": "n"},
            "Trying to execute counters.js:get as Mutation, but it is defined as Query.",
        ),
        (
            "query",
            "counters:get",
            {},
            "ArgumentValidationError: Object is missing the required field `name`. Consider "
            "wrapping the field validator in `v.optional(...)` if this is expected.",
        ),
        (
            "query",
            "counters:get",
            {"name": "n", "extra": 1},
            "ArgumentValidationError: Object contains extra field `extra` that is not in the "
            "validator.",
        ),
        (
            "query",
            "counters:get",
            {"name": 1},
            "ArgumentValidationError: Value does not match validator.\nPath: .name\n"
            "Value: 1.0\nValidator: v.string()",
        ),
        (
            "query",
            "values:wrong_result",
            {},
            "ReturnsValidationError: Value does not match validator.",
        ),
    ],
)
def test_a_wrong_call_is_answered_with_the_protocols_text(
    client: NodeClient, operation: str, path: str, args: dict[str, object], text: str
) -> None:
    error = failure(client, operation, path, **args)

    assert not error.is_convex_error
    assert text in str(error)


def test_an_id_of_another_table_is_refused(client: NodeClient) -> None:
    author = client.call("mutation", path="values:add_author", args={"name": "Ada"})

    error = failure(client, "query", "values:entry_of", id=author)
    expected = (
        f'ArgumentValidationError: Found ID "{author}" from table `authors`, which does not '
        'match the table name in validator `v.id("entries")`.\nPath: .id'
    )
    assert expected in str(error)


def test_documents_arrive_with_their_system_fields(client: NodeClient) -> None:
    document_id = client.call(
        "mutation", path="journal:append", args={"topic": "documents", "text": "one"}
    )

    (document,) = client.call("query", path="journal:documents", args={"topic": "documents"})
    assert document.pop("_creationTime") > 1_600_000_000_000
    assert document == {"_id": document_id, "topic": "documents", "text": "one"}
