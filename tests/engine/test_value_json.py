import json
import re
from collections.abc import Callable
from copy import deepcopy

import orjson
import pytest
from hypothesis import given

from livefile.model.value import Value, check_value
from livefile.model.value_json import from_json, from_wire, to_clean, to_json, to_wire
from livefile.vocabulary.errors import InvalidValueError
from tests.strategies import exact, values

NAN, INFINITY = float("nan"), float("inf")

WIRE_FORMS = [
    (None, "null"),
    (True, "true"),
    (1.0, "1.0"),
    (0.0, "0.0"),
    (-1000000.5, "-1000000.5"),
    (5e-324, "5e-324"),
    (-0.0, '{"$float":"AAAAAAAAAIA="}'),
    (NAN, '{"$float":"AAAAAAAA+H8="}'),
    (INFINITY, '{"$float":"AAAAAAAA8H8="}'),
    (-INFINITY, '{"$float":"AAAAAAAA8P8="}'),
    (0, '{"$integer":"AAAAAAAAAAA="}'),
    (1, '{"$integer":"AQAAAAAAAAA="}'),
    (-1, '{"$integer":"//////////8="}'),
    (2**63 - 1, '{"$integer":"/////////38="}'),
    (-(2**63), '{"$integer":"AAAAAAAAAIA="}'),
    (b"", '{"$bytes":""}'),
    (b"\xfb\xff", '{"$bytes":"+/8="}'),
    ("é\x00", '"é\\u0000"'),
    ([1.0, [2]], '[1.0,[{"$integer":"AgAAAAAAAAA="}]]'),
    ({"b": 1, "a": None}, '{"b":{"$integer":"AQAAAAAAAAA="},"a":null}'),
]


@pytest.mark.parametrize(("value", "text"), WIRE_FORMS)
def test_a_value_has_the_wire_form_of_the_protocol(value: Value, text: str) -> None:
    assert to_json(value).decode() == text
    assert exact(from_json(text)) == exact(value)


@pytest.mark.parametrize(("value", "text"), WIRE_FORMS)
def test_a_value_has_the_same_form_inside_of_others(value: Value, text: str) -> None:
    assert to_json([value, "x"]).decode() == f'[{text},"x"]'
    assert to_json({"a": value}).decode() == f'{{"a":{text}}}'


@given(values())
def test_the_wire_form_gives_back_the_identical_value(value: Value) -> None:
    assert exact(from_json(to_json(value))) == exact(value)
    assert exact(from_wire(to_wire(value))) == exact(value)


@given(values())
def test_encoding_and_decoding_leave_their_argument_as_it_is(value: Value) -> None:
    before = exact(value)
    tree = to_wire(value)
    tree_before = exact(deepcopy(tree))
    to_clean(value)
    from_wire(tree)

    assert exact(value) == before
    assert exact(tree) == tree_before


@given(values())
def test_every_number_of_the_wire_form_has_a_fraction_or_an_exponent(value: Value) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} on the wire")

    json.loads(to_json(value), parse_int=refuse, parse_constant=refuse)


def test_a_part_that_needs_no_change_stays_the_same_object() -> None:
    plain: Value = {"a": [1.0, 0.0, None, True, "b"], "c": {}}
    mixed: Value = {"plain": plain, "integer": 1}

    assert to_wire(plain) is plain
    assert to_clean(plain) is plain
    assert from_wire(plain) is plain
    wire = to_wire(mixed)
    assert isinstance(wire, dict)
    assert wire["plain"] is plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-1", -1.0),
        ("[1,{}]", [1.0, {}]),
        ("9007199254740993", 9007199254740992.0),
        ("18446744073709551616", 18446744073709551616.0),
        ('{"a":1,"b":[2]}', {"a": 1.0, "b": [2.0]}),
        ('{"$float":"AAAAAAAAAAA="}', 0.0),
        ('[{"$integer":"AQAAAAAAAAA="}]', [1]),
    ],
)
def test_every_plain_json_number_is_a_float(text: str, value: Value) -> None:
    assert exact(from_json(text)) == exact(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("NaN", "Invalid JSON"),
        ('"\\ud800"', "Invalid JSON"),
        ('{"$integer":"AQAAAAAAAA=="}', "$integer must hold 8 bytes, not 7"),
        ('{"$integer":"AQAAAAAAAAAA"}', "$integer must hold 8 bytes, not 9"),
        ('{"$integer":1}', "$integer must hold a base64 string, not int"),
        ('{"$integer":"é"}', "$integer does not hold valid base64"),
        ('{"$bytes":"a"}', "$bytes does not hold valid base64"),
        ('{"$bytes":"YQ==YQ=="}', "$bytes does not hold valid base64"),
        ('{"$bytes":"Y Q=="}', "$bytes does not hold valid base64"),
        ('{"$bytes":"_-8="}', "$bytes does not hold valid base64"),
        ('{"$bytes":null}', "$bytes must hold a base64 string, not NoneType"),
        ('{"$float":"AAAAAAAA8D8="}', "Float 1.0 should be encoded as a plain JSON number"),
        ('{"$float":"AAAA"}', "$float must hold 8 bytes, not 3"),
        ('{"$set":[]}', "$set"),
        ('{"$map":[]}', "$map"),
        ('{"$undefined":null}', "undefined is not a value"),
        ('{"$commitTs":null}', "commit timestamp"),
        ('{"$a":1}', "Field name $a starts with '$', which is reserved."),
        ('{"a":[{"$a":1}]}', "Field name $a starts with '$', which is reserved."),
    ],
)
def test_json_that_stands_for_no_value_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=re.escape(message)):
        from_json(text)


def test_an_object_is_special_only_with_a_single_key() -> None:
    value = from_json('{"$integer":"AQAAAAAAAAA=","a":1}')

    with pytest.raises(InvalidValueError, match=r"Field name \$integer starts with"):
        check_value(value)


def test_a_json_integer_beyond_every_double_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="too large for a double"):
        from_wire([10**400])


def test_what_json_never_holds_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="tuple is not JSON"):
        from_wire({"a": (1.0,)})


@pytest.mark.parametrize("text", ["[" * 65 + "]" * 65, '{"a":' * 65 + "1" + "}" * 65])
def test_json_nested_too_deep_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="nested 65 levels deep > maximum nesting 64"):
        from_json(text)


def test_a_special_object_adds_no_level_of_nesting() -> None:
    text = "[" * 64 + '{"$integer":"AQAAAAAAAAA="}' + "]" * 64

    assert to_json(from_json(text)).decode() == text


def test_a_bomb_of_brackets_is_refused() -> None:
    with pytest.raises(InvalidValueError):
        from_json("[" * 1_000_000)


@pytest.mark.parametrize("convert", [to_json, to_wire, to_clean, from_wire])
def test_a_bomb_of_lists_is_refused(convert: Callable[[Value], object]) -> None:
    bomb: Value = []
    for _ in range(10_000):
        bomb = [bomb]

    with pytest.raises(InvalidValueError, match="too nested"):
        convert(bomb)


@pytest.mark.parametrize(
    "value", ["\ud800", {"a": ["\udfff"]}, {"\ud800": None}, 2**63, [-(2**64)]]
)
def test_what_is_no_value_has_no_json(value: Value) -> None:
    with pytest.raises(InvalidValueError):
        to_json(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, '"1"'),
        (-(2**63), '"-9223372036854775808"'),
        (b"\xfb\xff", '"+/8="'),
        (NAN, '"NaN"'),
        (INFINITY, '"Infinity"'),
        (-INFINITY, '"-Infinity"'),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        ({"a": [1, None, True, "b"]}, '{"a":["1",null,true,"b"]}'),
    ],
)
def test_the_clean_format_is_plain_json(value: Value, text: str) -> None:
    assert orjson.dumps(to_clean(value)).decode() == text
