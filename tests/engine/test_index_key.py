import math
from collections.abc import Iterable
from functools import cmp_to_key
from itertools import pairwise

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from livefile.model.index_key import (
    END,
    MISSING,
    Missing,
    document_key,
    encode_value,
    key_internal_id,
    successor,
)
from livefile.model.value import Value
from livefile.model.value_json import to_wire
from tests.conftest import Golden
from tests.strategies import documents, exact, values
from tests.value_order import compare

INTERNAL_ID = bytes(range(240, 256))

index_values = values() | st.just(MISSING)

# In the protocol's order.
ORDERED: list[Value | Missing] = [
    MISSING,
    None,
    -(2**63),
    -(2**31) - 1,
    -(2**31),
    -(2**15) - 1,
    -(2**15),
    -129,
    -128,
    -1,
    0,
    1,
    127,
    128,
    2**15 - 1,
    2**15,
    2**31 - 1,
    2**31,
    2**63 - 1,
    -math.nan,
    -math.inf,
    -1000000.5,
    -1.0,
    -5e-324,
    -0.0,
    0.0,
    5e-324,
    1.0,
    1000000.5,
    math.inf,
    math.nan,
    False,
    True,
    "",
    "\x00",
    "\x00a",
    "\x01",
    "\x02",
    "A",
    "a",
    "a\x00",
    "aa",
    "\uffff",
    "\U00010000",
    "\U0010ffff",
    b"",
    b"\x00",
    b"\x00\xff",
    b"\x01",
    b"\xff",
    [],
    [None],
    [None, None],
    ["a"],
    [[]],
    {},
    {"": None},
    {"": {}},
    {"a": 1.0, "b": None},
    {"aa": None},
    {"b": None},
]


def encode_key(fields: Iterable[Value | Missing]) -> bytes:
    """The key of several fields: the keys of each, one after the other."""
    return b"".join(map(encode_value, fields))


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


def compare_bytes(left: bytes, right: bytes) -> int:
    return (left > right) - (left < right)


def test_the_listed_values_have_their_keys_in_the_protocol_s_order() -> None:
    keys = [encode_value(value) for value in ORDERED]

    assert all(before < after for before, after in pairwise(keys))
    assert sorted(reversed(ORDERED), key=cmp_to_key(compare)) == ORDERED


@given(index_values, index_values)
def test_keys_sort_as_their_values_do(left: Value | Missing, right: Value | Missing) -> None:
    assert compare_bytes(encode_value(left), encode_value(right)) == sign(compare(left, right))


@given(values(6), values(6), values(6))
def test_values_that_share_a_beginning_sort_by_the_rest(
    shared: Value, left: Value, right: Value
) -> None:
    for one, other in (
        ([shared, left], [shared, right]),
        ([shared], [shared, right]),
        ({"a": shared, "b": left}, {"a": shared, "b": right}),
        ({"a": shared}, {"a": shared, "b": right}),
        ({"": left}, {"": right}),
    ):
        keys = encode_value(one), encode_value(other)
        order = compare(one, other)

        assert compare_bytes(*keys) == sign(order)


@given(index_values, index_values)
def test_no_key_is_the_beginning_of_another(left: Value | Missing, right: Value | Missing) -> None:
    assume(exact(left) != exact(right))

    assert not encode_value(left).startswith(encode_value(right))


@pytest.mark.parametrize(
    ("value", "extended"),
    [("", "\x00"), ("a", "a\x00"), (b"", b"\x00\xff"), ([], [None]), ({}, {"": None}), (1, 256)],
)
def test_the_range_of_one_value_leaves_out_those_that_extend_it(
    value: Value, extended: Value
) -> None:
    prefix = encode_value(value)

    assert not prefix <= encode_key([extended, 1.0]) < successor(prefix)
    assert prefix <= encode_key([value, 1.0]) < successor(prefix)


@given(st.lists(index_values, max_size=3), st.lists(index_values, max_size=3))
def test_keys_of_several_fields_sort_field_by_field(
    left: list[Value | Missing], right: list[Value | Missing]
) -> None:
    orders = [compare(one, other) for one, other in zip(left, right, strict=False)]
    expected = next((order for order in orders if order), len(left) - len(right))

    assert compare_bytes(encode_key(left), encode_key(right)) == sign(expected)


def test_the_keys_are_those_of_the_golden_file(golden: Golden) -> None:
    lines = []
    for value in ORDERED:
        shown = {"$missing": None} if isinstance(value, Missing) else to_wire(value)
        line = {"value": shown, "key": encode_value(value).hex()}
        lines.append("  " + orjson.dumps(line).decode())

    golden.check("index_keys.json", "[\n" + ",\n".join(lines) + "\n]\n")


DOCUMENT: dict[str, Value] = {
    "_id": "id",
    "_creationTime": 5.0,
    "name": "Ada",
    "place": {"city": "Graz", "geo": {"zone": 1}},
    "none": None,
}


@pytest.mark.parametrize(
    ("fields", "encoded"),
    [
        ([], []),
        ([("name",)], ["Ada"]),
        ([("place", "city"), ("name",)], ["Graz", "Ada"]),
        ([("place", "geo", "zone")], [1]),
        ([("place", "geo")], [{"zone": 1}]),
        ([("none",)], [None]),
        ([("absent",)], [MISSING]),
        ([("place", "absent")], [MISSING]),
        ([("absent", "city")], [MISSING]),
        ([("name", "city")], [MISSING]),
        ([("none", "city", "zone")], [MISSING]),
        ([("_creationTime",)], [5.0]),
    ],
)
def test_a_document_s_key_is_its_fields_then_its_creation_time_then_its_id(
    fields: list[tuple[str, ...]], encoded: list[Value | Missing]
) -> None:
    key = document_key(DOCUMENT, fields, INTERNAL_ID)

    assert key == encode_key([*encoded, 5.0]) + INTERNAL_ID
    assert key_internal_id(key) == INTERNAL_ID


def test_documents_with_equal_fields_sort_by_creation_time_then_id() -> None:
    later: dict[str, Value] = {**DOCUMENT, "_creationTime": 5.5}
    keys = [
        document_key(DOCUMENT, [("name",)], b"\x00" * 16),
        document_key(DOCUMENT, [("name",)], b"\xff" * 16),
        document_key(later, [("name",)], b"\x00" * 16),
    ]

    assert keys == sorted(keys)
    assert len(set(keys)) == 3


@given(documents(), st.lists(st.sampled_from([("a",), ("b", "a"), ("", "")]), max_size=3))
def test_every_key_of_a_document_is_below_the_end(
    document: dict[str, Value], fields: list[tuple[str, ...]]
) -> None:
    assert document_key(document, fields, b"\xff" * 16) < END


def test_the_order_in_which_fields_were_set_makes_no_difference() -> None:
    assert encode_value({"a": 1.0, "b": 2.0}) == encode_value({"b": 2.0, "a": 1.0})


few_bytes = st.lists(st.sampled_from((0, 1, 254, 255)), max_size=3).map(bytes)


@given(few_bytes, few_bytes)
def test_the_range_up_to_the_successor_holds_what_begins_with_the_prefix(
    prefix: bytes, key: bytes
) -> None:
    assert (prefix <= key < successor(prefix)) == key.startswith(prefix)


@pytest.mark.parametrize(
    ("prefix", "following"),
    [
        (b"a", b"b"),
        (b"a\xff\xff", b"b"),
        (b"\x00", b"\x01"),
        (b"a\xfe", b"a\xff"),
        (b"", END),
        (b"\xff\xff", END),
    ],
)
def test_the_successor_is_the_smallest_string_above(prefix: bytes, following: bytes) -> None:
    assert successor(prefix) == following
