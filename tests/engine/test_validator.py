import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile.model import validator as v
from livefile.model.document_id import encode_document_id
from livefile.model.value import Value
from tests.strategies import values

TABLES = {10_001: "users", 10_002: "messages"}
USER_ID = encode_document_id(10_001, bytes(16))
STRANGER_ID = encode_document_id(10_099, bytes(16))

BODY = v.Object(fields={"body": v.Field(validator=v.STRING)})


def text_of(validator: v.Validator, value: Value) -> str | None:
    found = validator.mismatch(value, TABLES.get)
    return None if found is None else str(found)


# --- Notation ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("validator", "notation"),
    [
        (v.NULL, "v.null()"),
        (v.BOOLEAN, "v.boolean()"),
        (v.FLOAT64, "v.float64()"),
        (v.WHOLE_FLOAT64, "v.float64()"),
        (v.INT64, "v.int64()"),
        (v.STRING, "v.string()"),
        (v.BYTES, "v.bytes()"),
        (v.ANY, "v.any()"),
        (v.IdOf(table="users"), 'v.id("users")'),
        (v.Literal(value="a"), 'v.literal("a")'),
        (v.Literal(value=1.0), "v.literal(1.0)"),
        (v.Literal(value=7), "v.literal(7)"),
        (v.Literal(value=True), "v.literal(true)"),
        (v.Array(item=v.STRING), "v.array(v.string())"),
        (v.Record(key=v.STRING, value=v.INT64), "v.record(v.string(), v.int64())"),
        (v.Union(members=(v.STRING, v.NULL)), "v.union(v.string(), v.null())"),
        (BODY, "v.object({body: v.string()})"),
        (v.Object(fields={}), "v.object({})"),
    ],
)
def test_a_validator_prints_as_the_protocol_does(validator: v.Validator, notation: str) -> None:
    assert str(validator) == notation


def test_the_fields_of_an_object_are_printed_in_order_of_their_names() -> None:
    validator = v.Object(
        fields={
            "b": v.Field(validator=v.STRING),
            "a": v.Field(validator=v.FLOAT64, is_optional=True),
        }
    )

    assert str(validator) == "v.object({a: v.optional(v.float64()), b: v.string()})"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1.0, "1.0"),
        (0.5, "0.5"),
        (-0.0, "-0.0"),
        (7, "7"),
        ('a "b"\n', '"a \\"b\\"\\n"'),
        (b"\x00\xff", 'b"AP8="'),
        ([1.0, "a"], '[1.0, "a"]'),
        ([], "[]"),
        ({"b": 1, "a": None}, "{a: null, b: 1}"),
    ],
)
def test_a_value_is_shown_in_the_notation_of_validation_texts(value: Value, shown: str) -> None:
    assert v.show(value) == shown


# --- Texts ---------------------------------------------------------------------------------


def test_a_missing_field_is_named() -> None:
    assert text_of(BODY, {}) == (
        "Object is missing the required field `body`. Consider wrapping the field validator in "
        "`v.optional(...)` if this is expected.\n"
        "\n"
        "Object: {}\n"
        "Validator: v.object({body: v.string()})"
    )


def test_an_extra_field_is_named() -> None:
    assert text_of(BODY, {"body": "a", "color": "red"}) == (
        "Object contains extra field `color` that is not in the validator.\n"
        "\n"
        'Object: {body: "a", color: "red"}\n'
        "Validator: v.object({body: v.string()})"
    )


def test_an_extra_field_in_the_place_of_an_optional_one_is_found() -> None:
    validator = v.Object(fields={"a": v.Field(validator=v.STRING, is_optional=True)})

    assert (text_of(validator, {"b": "x"}) or "").startswith("Object contains extra field `b`")


def test_a_value_of_the_wrong_type_is_shown_with_its_path() -> None:
    assert text_of(BODY, {"body": 1.0}) == (
        "Value does not match validator.\nPath: .body\nValue: 1.0\nValidator: v.string()"
    )


def test_at_the_root_there_is_no_path() -> None:
    assert text_of(v.STRING, 1.0) == (
        "Value does not match validator.\n\nValue: 1.0\nValidator: v.string()"
    )


def test_a_path_leads_through_objects_arrays_and_records() -> None:
    inner = v.Object(fields={"rows": v.Field(validator=v.Array(item=BODY))})
    validator = v.Record(key=v.STRING, value=inner)
    value: Value = {"first": {"rows": [{"body": "a"}, {"body": "b"}, {"body": None}]}}

    assert text_of(validator, value) == (
        "Value does not match validator.\n"
        "Path: .first.rows[2].body\n"
        "Value: null\n"
        "Validator: v.string()"
    )


def test_a_missing_field_deep_inside_has_a_path_to_its_object() -> None:
    assert text_of(v.Array(item=BODY), [{"body": "a"}, {}]) == (
        "Object is missing the required field `body`. Consider wrapping the field validator in "
        "`v.optional(...)` if this is expected.\n"
        "Path: [1]\n"
        "Object: {}\n"
        "Validator: v.object({body: v.string()})"
    )


def test_the_id_of_another_table_is_called_one() -> None:
    validator = v.Object(fields={"to": v.Field(validator=v.IdOf(table="messages"))})

    assert text_of(validator, {"to": USER_ID}) == (
        f'Found ID "{USER_ID}" from table `users`, which does not match the table name in '
        'validator `v.id("messages")`.\n'
        "Path: .to"
    )


@pytest.mark.parametrize("value", [STRANGER_ID, "abc", "", USER_ID + "0", 1.0, None])
def test_what_is_no_id_of_any_table_does_not_match(value: Value) -> None:
    assert text_of(v.IdOf(table="users"), value) == (
        f'Value does not match validator.\n\nValue: {v.show(value)}\nValidator: v.id("users")'
    )


def test_the_id_of_the_right_table_matches() -> None:
    assert text_of(v.IdOf(table="users"), USER_ID) is None


def test_a_trusted_id_may_be_of_any_table() -> None:
    assert v.IdOf(table="messages").mismatch(USER_ID, v.trusted_tables) is None


def test_another_literal_is_quoted() -> None:
    validator = v.Object(fields={"kind": v.Field(validator=v.Literal(value="a"))})

    assert text_of(validator, {"kind": "b"}) == (
        '`"b"` does not match literal validator `v.literal("a")`.\nPath: .kind'
    )


@pytest.mark.parametrize(("literal", "value"), [(1.0, 1), (1, 1.0), (True, 1.0), (1.0, True)])
def test_a_literal_is_of_one_type(literal: float | int | bool, value: Value) -> None:
    assert v.Literal(value=literal).mismatch(value, TABLES.get) is not None
    assert v.Literal(value=literal).mismatch(literal, TABLES.get) is None


def test_a_union_without_a_match_is_shown_whole() -> None:
    validator = v.Union(members=(v.STRING, v.INT64))

    assert text_of(validator, 1.0) == (
        "Value does not match validator.\n\nValue: 1.0\nValidator: v.union(v.string(), v.int64())"
    )


def test_with_one_member_besides_null_its_own_mismatch_is_told() -> None:
    validator = v.Union(members=(v.NULL, BODY))

    assert text_of(validator, {"body": 1.0}) == (
        "Value does not match validator.\nPath: .body\nValue: 1.0\nValidator: v.string()"
    )


# --- Types ---------------------------------------------------------------------------------

PRIMITIVES: list[tuple[v.Validator, list[Value]]] = [
    (v.NULL, [None]),
    (v.BOOLEAN, [True, False]),
    (v.FLOAT64, [0.5, float("inf"), float("nan")]),
    (v.INT64, [7, -(2**63)]),
    (v.STRING, ["", "a"]),
    (v.BYTES, [b"", b"a"]),
]


@pytest.mark.parametrize(("validator", "own"), PRIMITIVES, ids=[str(p[0]) for p in PRIMITIVES])
def test_a_primitive_takes_its_own_values_and_no_others(
    validator: v.Validator, own: list[Value]
) -> None:
    foreign = [value for other, taken in PRIMITIVES if other != validator for value in taken]

    assert [value for value in own if text_of(validator, value) is not None] == []
    assert [value for value in [*foreign, [], {}] if text_of(validator, value) is None] == []


@pytest.mark.parametrize("number", [0.5, float("nan"), float("inf"), -float("inf")])
def test_a_whole_number_has_no_fraction(number: float) -> None:
    assert text_of(v.WHOLE_FLOAT64, number) == (
        f"Value does not match validator.\n\nValue: {number}\n"
        "Validator: v.float64() (a whole number)"
    )
    assert text_of(v.WHOLE_FLOAT64, 3.0) is None


def test_a_record_checks_keys_and_values() -> None:
    validator = v.Record(key=v.IdOf(table="users"), value=v.FLOAT64)

    assert text_of(validator, {USER_ID: 1.0}) is None
    assert text_of(validator, {"ada": 1.0}) is not None
    assert text_of(validator, {USER_ID: "1"}) is not None


@given(values())
def test_any_takes_every_value(value: Value) -> None:
    assert v.ANY.mismatch(value, TABLES.get) is None


@given(values(), st.sampled_from([BODY, v.Array(item=v.STRING), v.STRING, v.Literal(value="a")]))
def test_a_union_matches_exactly_if_a_member_does(value: Value, member: v.Validator) -> None:
    union = v.Union(members=(member, v.INT64, v.Record(key=v.STRING, value=v.BOOLEAN)))
    wanted = any(m.mismatch(value, TABLES.get) is None for m in union.members)

    assert (union.mismatch(value, TABLES.get) is None) == wanted


@given(values())
def test_a_mismatch_can_always_be_told(value: Value) -> None:
    texts = [text_of(validator, value) for validator in (BODY, v.STRING, v.Array(item=BODY))]

    assert all(text is None or "\n" in text for text in texts)
