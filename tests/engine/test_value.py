import re
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from livefile.model.value import (
    INT64_MAX,
    INT64_MIN,
    Int64,
    Value,
    check_value,
    is_surely_small,
    nesting,
    normalize,
    size_bytes,
    size_text,
)
from livefile.vocabulary.errors import InvalidValueError
from livefile.vocabulary.limits import MIB
from tests.strategies import exact, values


class Color(StrEnum):
    RED = "red"


class OldColor(str, Enum):  # noqa: UP042  str() of it is its name; that is the point.
    RED = "red"


class Rank(IntEnum):
    FIRST = 1


def as_user_writes(value: Value) -> object:
    """The same value from the user's hand: every int of the engine is an Int64 there."""
    if isinstance(value, list):
        return tuple(as_user_writes(item) for item in value)
    if isinstance(value, dict):
        return MappingProxyType({name: as_user_writes(item) for name, item in value.items()})
    if type(value) is int:
        return Int64(value)
    return bytearray(value) if isinstance(value, bytes) else value


def nested(levels: int) -> Value:
    value: Value = None
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@given(values())
def test_normalize_takes_every_value_and_check_agrees_on_its_size(value: Value) -> None:
    normalized = normalize(as_user_writes(value))

    assert exact(normalized) == exact(value)
    assert check_value(value) == size_bytes(value)


@pytest.mark.parametrize(
    ("thing", "value"),
    [
        (None, None),
        (True, True),
        (1, 1.0),
        (2**53, 2.0**53),
        (-(2**53), -(2.0**53)),
        (Int64(1), 1),
        (Rank.FIRST, 1.0),
        ("\x00\U0010ffff", "\x00\U0010ffff"),
        (Color.RED, "red"),
        (OldColor.RED, "red"),
        (bytearray(b"a"), b"a"),
        (memoryview(b"ab")[1:], b"b"),
        ((1, [Int64(2)]), [1.0, [2]]),
        (range(2), [0.0, 1.0]),
        (MappingProxyType({"a": None}), {"a": None}),
        ({Color.RED: 1}, {"red": 1.0}),
        ({"": {"_a": 1, "a b~": 2}}, {"": {"_a": 1.0, "a b~": 2.0}}),
    ],
)
def test_normalize_gives_the_engine_s_types(thing: object, value: Value) -> None:
    assert exact(normalize(thing)) == exact(value)


def test_a_text_enumeration_becomes_a_plain_str_also_as_a_field_name() -> None:
    value = normalize({OldColor.RED: OldColor.RED})

    assert value == {"red": "red"}
    assert isinstance(value, dict)
    assert [type(part) for part in (*value, *value.values())] == [str, str]


def test_normalize_shares_no_container_with_what_it_was_given() -> None:
    inner: list[object] = ["a"]
    value = normalize({"inner": inner})
    inner.append("b")

    assert value == {"inner": ["a"]}


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ({1, 2}, "set is not a value"),
        ((part for part in "ab"), "generator is not a value"),
        (Decimal(1), "Decimal is not a value"),
        (1j, "complex is not a value"),
        (2**53 + 1, "9007199254740993 is too large for a number: wrap it as Int64"),
        (-(2**53) - 1, "-9007199254740993 is too large for a number: wrap it as Int64"),
        pytest.param(10**5000, "too large for a number", id="10**5000"),
        ("a\ud800", "lone surrogate U+D800 at character 1"),
        ({1: "a"}, "Field name 1 is not a string"),
    ],
)
def test_normalize_refuses_what_is_no_value(thing: object, text: str) -> None:
    with pytest.raises(InvalidValueError, match=re.escape(text)):
        normalize(thing)


@pytest.mark.parametrize("check", [normalize, check_value])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("$a", "Field name $a starts with '$', which is reserved."),
        (
            "aé",
            "Field name aé has invalid character 'é': "
            "Field names can only contain non-control ASCII characters",
        ),
        (
            "a\x7f",
            "Field name a\x7f has invalid character '\\x7f': "
            "Field names can only contain non-control ASCII characters",
        ),
        (
            "a\ud800",
            "Field name a\\ud800 has invalid character '\\ud800': "
            "Field names can only contain non-control ASCII characters",
        ),
        ("a" * 1025, "Field name is too long (1025 > maximum 1024)"),
    ],
)
def test_a_bad_field_name_is_refused_with_the_protocol_s_text(
    check: object, name: str, text: str
) -> None:
    assert callable(check)
    with pytest.raises(InvalidValueError) as caught:
        check({name: None})

    assert str(caught.value) == text


@pytest.mark.parametrize("check", [normalize, check_value])
def test_the_message_has_the_path_of_the_offending_part(check: object) -> None:
    assert callable(check)
    with pytest.raises(InvalidValueError) as caught:
        check({"a": [None, {}, [], {"b": object}]})

    assert str(caught.value).endswith("\nPath: .a[3].b")


@pytest.mark.parametrize("check", [normalize, check_value])
@pytest.mark.parametrize(
    ("allowed", "refused", "text"),
    [
        (
            [None] * 8192,
            [None] * 8193,
            "Array length is too long (8193 > maximum length 8192)",
        ),
        (
            {f"f{number}": None for number in range(1024)},
            {f"f{number}": None for number in range(1025)},
            "Object has too many fields (1025 > maximum number 1024)",
        ),
        ({"a" * 1024: None}, {"a" * 1025: None}, "Field name is too long (1025 > maximum 1024)"),
        (
            b"a" * (32 * 2**20 - 2),
            b"a" * (32 * 2**20 - 1),
            "Value is too large (32.00 MiB > maximum size 32 MiB)",
        ),
        (
            {"a": "b" * (32 * 2**20 - 6)},
            {"a": "b" * (32 * 2**20 - 5)},
            "Value is too large (32.00 MiB > maximum size 32 MiB)",
        ),
        (
            nested(64),
            nested(65),
            "Value is too nested (nested 65 levels deep > maximum nesting 64)",
        ),
    ],
    ids=["array", "fields", "name", "bytes", "text", "nesting"],
)
def test_a_limit_holds_exactly(check: object, allowed: Value, refused: Value, text: str) -> None:
    assert callable(check)
    check(allowed)
    with pytest.raises(InvalidValueError) as caught:
        check(refused)

    assert str(caught.value).split("\n")[0] == text


def test_a_list_that_holds_itself_is_too_nested() -> None:
    circle: list[object] = []
    circle.append(circle)

    with pytest.raises(InvalidValueError, match="too nested"):
        normalize(circle)


@pytest.mark.parametrize(
    "thing", [(1.0,), INT64_MAX + 1, INT64_MIN - 1, bytearray(), {1: None}, "\udfff", Color.RED]
)
def test_check_value_refuses_what_no_decoder_makes(thing: object) -> None:
    with pytest.raises(InvalidValueError):
        check_value(thing)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 1),
        (False, 1),
        (1.0, 9),
        (1, 9),
        ("", 2),
        ("aé\U0001f600", 9),
        (b"abc", 5),
        ([], 2),
        ([None, 1.0], 12),
        ({}, 2),
        ({"": None, "ab": [True]}, 2 + (0 + 1 + 1) + (2 + 1 + 3)),
    ],
)
def test_the_size_of_a_value_is_the_protocol_s(value: Value, size: int) -> None:
    assert size_bytes(value) == size
    assert check_value(value) == size


@pytest.mark.parametrize(
    ("value", "levels"), [(None, 0), ("a", 0), ([], 1), ({}, 1), ([1.0, {"a": [2.0]}, []], 3)]
)
def test_the_nesting_of_a_value_is_the_protocol_s(value: Value, levels: int) -> None:
    assert nesting(value) == levels


@given(values())
def test_a_container_adds_one_level_of_nesting(value: Value) -> None:
    assert nesting([None, value]) == nesting({"a": value, "b": None}) == nesting(value) + 1


@given(st.dictionaries(st.text(alphabet="abc"), values(leaves_max=3)))
def test_what_is_surely_small_is_within_every_limit(fields: dict[str, Value]) -> None:
    if is_surely_small(fields):
        assert check_value(fields) < 2 * MIB


def test_a_few_short_texts_and_numbers_are_surely_small() -> None:
    assert is_surely_small({"name": "Ada", "score": 1.0})
    assert is_surely_small({})
    assert is_surely_small({"a": "b" * 1000})
    assert not is_surely_small({"a": "b" * 1001})
    assert not is_surely_small({"a": "\ud800"})
    assert not is_surely_small({"a": 2**63})
    assert not is_surely_small({"a": [1.0]})
    assert not is_surely_small({str(number): 1.0 for number in range(1025)})


@pytest.mark.parametrize("number", [INT64_MIN, -1, 0, INT64_MAX])
def test_an_int64_is_an_int(number: int) -> None:
    assert Int64(number) == number
    assert isinstance(Int64(number), int)


@pytest.mark.parametrize("thing", [INT64_MIN - 1, INT64_MAX + 1, True, 1.0, "1"])
def test_an_int64_takes_only_ints_of_64_bits(thing: int) -> None:
    with pytest.raises(InvalidValueError):
        Int64(thing)


class Counter(BaseModel):
    count: Int64
    limit: Int64 | None = None


def test_an_int64_works_as_a_field_of_a_pydantic_model() -> None:
    counter = Counter.model_validate({"count": 3, "limit": Int64(INT64_MAX)})

    assert type(counter.count) is Int64
    assert exact(normalize(counter.model_dump())) == exact({"count": 3, "limit": INT64_MAX})
    assert counter.model_dump_json() == '{"count":3,"limit":9223372036854775807}'
    assert Counter.model_json_schema()["properties"]["count"]["type"] == "integer"


@pytest.mark.parametrize("thing", [3.0, True, "3", INT64_MAX + 1, INT64_MIN - 1, None])
def test_an_int64_field_refuses_numbers_that_are_no_int64(thing: object) -> None:
    with pytest.raises(ValidationError):
        Counter.model_validate({"count": thing})


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.50 KiB"),
        (16 * 2**20, "16 MiB"),
        (2**20 + 1, "1.00 MiB"),
    ],
)
def test_sizes_are_printed_in_binary_units(size: int, text: str) -> None:
    assert size_text(size) == text
