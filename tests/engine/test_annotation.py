"""Annotations both ways: from Python to values and back."""

from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from livefile import DefinitionError, Id, Int64, InvalidValueError, Table, Value
from livefile.model.annotation import Annotation, value_of
from livefile.model.annotation_reader import annotation_of
from livefile.model.document_id import encode_document_id
from livefile.vocabulary.errors import ReturnsValidationError, ValidationError
from tests.strategies import exact, values

PLAYERS, GAMES = 10_001, 10_002
TABLES = {PLAYERS: "players", GAMES: "games"}
PLAYER_ID = encode_document_id(PLAYERS, bytes(16))
GAME_ID = encode_document_id(GAMES, bytes(16))


class Person(Table, name="players"):
    name: str
    level: Int64 = Int64(1)
    nickname: str | None = None


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Rank(IntEnum):
    LOW = 1
    HIGH = 2


class Point(BaseModel):
    x: float
    y: float = 0.0
    label: str | None = None


class Options(TypedDict):
    name: str
    limit: NotRequired[Annotated[int, Field(ge=0)]]


class Patient(BaseModel):
    age: int = Field(ge=0)
    nested: Point | None = None


class Even(BaseModel):
    numbers: list[int]

    @field_validator("numbers")
    @classmethod
    def check(cls, numbers: list[int]) -> list[int]:
        if any(number % 2 for number in numbers):
            raise ValueError("they are not even")
        return numbers


def dumped(annotation: Any, thing: Any) -> Value:
    return annotation_of(annotation).to_value(thing, TABLES.get, ReturnsValidationError)


def loaded(annotation: Any, value: Value) -> Any:
    read = annotation_of(annotation)
    assert read.validator.mismatch(value, TABLES.get) is None
    return read.to_python(value)


# --- Both ways -----------------------------------------------------------------------------

# An annotation, its validator, an object of it and its value.
BOTH_WAYS: list[tuple[Any, str | None, Any, Value]] = [
    (str, "v.string()", "a", "a"),
    (bool, "v.boolean()", True, True),
    (bytes, "v.bytes()", b"a", b"a"),
    (None, "v.null()", None, None),
    (float, "v.float64()", 0.5, 0.5),
    (int, "v.float64()", 3, 3.0),
    (Int64, "v.int64()", Int64(3), 3),
    (Any, "v.any()", {"a": [1.0, Int64(2)]}, {"a": [1.0, 2]}),
    (object, "v.any()", "a", "a"),
    (Id[Person], 'v.id("players")', PLAYER_ID, PLAYER_ID),
    (list, "v.array(v.any())", ["a", Int64(1)], ["a", 1]),
    (list[int], "v.array(v.float64())", [1, 2], [1.0, 2.0]),
    (Sequence[str], "v.array(v.string())", ["a"], ["a"]),
    (dict, "v.record(v.string(), v.any())", {"a": None}, {"a": None}),
    (dict[str, int], "v.record(v.string(), v.float64())", {"a": 1}, {"a": 1.0}),
    (Mapping[str, bool], "v.record(v.string(), v.boolean())", {"a": True}, {"a": True}),
    (
        dict[Id[Person], str],
        'v.record(v.id("players"), v.string())',
        {PLAYER_ID: "a"},
        {PLAYER_ID: "a"},
    ),
    (
        dict[Color, int],
        'v.record(v.union(v.literal("red"), v.literal("blue")), v.float64())',
        {Color.RED: 1},
        {"red": 1.0},
    ),
    (dict[Color, str], None, {Color.RED: "a"}, {"red": "a"}),
    (Literal["a"], 'v.literal("a")', "a", "a"),
    (Literal["a", 2], 'v.union(v.literal("a"), v.literal(2.0))', 2, 2.0),
    (Literal[1, True], "v.union(v.literal(1.0), v.literal(true))", True, True),
    (Literal[0, False], "v.union(v.literal(0.0), v.literal(false))", 0, 0.0),
    (Color, 'v.union(v.literal("red"), v.literal("blue"))', Color.BLUE, "blue"),
    (Rank, "v.union(v.literal(1.0), v.literal(2.0))", Rank.HIGH, 2.0),
    (str | None, "v.union(v.string(), v.null())", None, None),
    (Optional[int], "v.union(v.float64(), v.null())", 3, 3.0),  # noqa: UP045
    (Union[int, str], "v.union(v.float64(), v.string())", 3, 3.0),  # noqa: UP007
    (Int64 | float, "v.union(v.int64(), v.float64())", Int64(3), 3),
    (float | Int64, "v.union(v.float64(), v.int64())", Int64(3), 3),
    (Literal["none"] | Point, None, Point(x=1), {"x": 1.0, "y": 0.0, "label": None}),
    (
        Point,
        "v.object({label: v.optional(v.union(v.string(), v.null())), x: v.float64(), "
        "y: v.optional(v.float64())})",
        Point(x=1, y=2, label="a"),
        {"x": 1.0, "y": 2.0, "label": "a"},
    ),
    (
        Options,
        "v.object({limit: v.optional(v.float64()), name: v.string()})",
        {"name": "a", "limit": 3},
        {"name": "a", "limit": 3.0},
    ),
    (Options, None, {"name": "a"}, {"name": "a"}),
    (
        list[Point | None],
        None,
        [Point(x=1), None],
        [{"x": 1.0, "y": 0.0, "label": None}, None],
    ),
    (Annotated[int, Field(ge=0)], "v.float64()", 3, 3.0),
    (Annotated[str, "a remark"], "v.string()", "a", "a"),
    (list[Annotated[Color, "a remark"]], None, [Color.RED], ["red"]),
]


@pytest.mark.parametrize(
    ("annotation", "notation", "thing", "value"), BOTH_WAYS, ids=[str(c[0]) for c in BOTH_WAYS]
)
def test_an_annotation_converts_both_ways(
    annotation: Any, notation: str | None, thing: Any, value: Value
) -> None:
    assert notation in (None, str(annotation_of(annotation).validator))
    assert exact(dumped(annotation, thing)) == exact(value)
    back = loaded(annotation, value)
    assert (type(back), back) == (type(thing), thing)


def test_a_whole_float_is_welcome_where_an_int_is_wanted() -> None:
    assert exact(dumped(int, 3.0)) == exact(3.0)
    assert exact(dumped(float, 3)) == exact(3.0)
    assert exact(dumped(Int64, 3)) == exact(3)


def test_tuples_and_enum_values_are_welcome() -> None:
    assert dumped(list[int], (1, 2)) == [1.0, 2.0]
    assert dumped(Color, "red") == "red"


def test_plain_objects_are_welcome_where_a_model_is_wanted() -> None:
    assert dumped(Point, {"x": 1}) == {"x": 1.0}
    assert loaded(Point, {"x": 1.0}) == Point(x=1)


@given(values())
def test_any_gives_back_every_value(value: Value) -> None:
    assert exact(dumped(Any, loaded(Any, value))) == exact(value)


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_survive(number: int) -> None:
    assert loaded(int, dumped(int, number)) == number
    assert loaded(Int64, dumped(Int64, number)) == number


def test_a_union_takes_the_first_member_that_fits() -> None:
    assert exact(dumped(Int64 | float, 3)) == exact(3)
    assert exact(dumped(float | Int64, 3)) == exact(3.0)
    assert loaded(Color | str, "red") is Color.RED
    assert loaded(str | Color, "red") == "red"


# --- What does not fit ---------------------------------------------------------------------

REFUSED: list[tuple[Any, Any, str]] = [
    (str, 1, "Value does not match validator.\n\nValue: 1.0\nValidator: v.string()"),
    (int, True, "Value does not match validator.\n\nValue: true\nValidator: v.float64()"),
    (float, "1", 'Value does not match validator.\n\nValue: "1"\nValidator: v.float64()'),
    (Int64, 1.0, "Value does not match validator.\n\nValue: 1.0\nValidator: v.int64()"),
    (
        list[int],
        [1, 2, "x"],
        'Value does not match validator.\nPath: [2]\nValue: "x"\nValidator: v.float64()',
    ),
    (
        int,
        0.5,
        "Value does not match validator.\n\nValue: 0.5\nValidator: v.float64() (a whole number)",
    ),
    (Literal["a"], "b", '`"b"` does not match literal validator `v.literal("a")`.'),
    (
        Id[Person],
        GAME_ID,
        f'Found ID "{GAME_ID}" from table `games`, which does not match the table name in '
        'validator `v.id("players")`.',
    ),
    (
        Options,
        {},
        "Object is missing the required field `name`. Consider wrapping the field validator in "
        "`v.optional(...)` if this is expected.\n"
        "\n"
        "Object: {}\n"
        "Validator: v.object({limit: v.optional(v.float64()), name: v.string()})",
    ),
    (
        Options,
        {"name": "a", "color": "red"},
        "Object contains extra field `color` that is not in the validator.\n"
        "\n"
        'Object: {color: "red", name: "a"}\n'
        "Validator: v.object({limit: v.optional(v.float64()), name: v.string()})",
    ),
    (
        dict[str, Point],
        {"a": {"x": "far"}},
        'Value does not match validator.\nPath: .a.x\nValue: "far"\nValidator: v.float64()',
    ),
]


@pytest.mark.parametrize(("annotation", "thing", "text"), REFUSED)
def test_what_does_not_fit_is_refused_with_the_protocols_text(
    annotation: Any, thing: Any, text: str
) -> None:
    with pytest.raises(ReturnsValidationError) as raised:
        dumped(annotation, thing)

    assert str(raised.value) == text


@pytest.mark.parametrize(
    ("annotation", "thing"),
    [(Any, object()), (str, object()), (list[str], [object()]), (Color, object()), (Any, 2**60)],
)
def test_what_is_no_value_at_all_is_called_so(annotation: Any, thing: Any) -> None:
    with pytest.raises(InvalidValueError):
        dumped(annotation, thing)


def test_an_object_with_keys_of_all_types_is_no_id() -> None:
    with pytest.raises(InvalidValueError, match="Field name 1 is not a string"):
        dumped(Id[Person] | dict[str, Any], {1: 2, "a": 3})


# --- Constraints ---------------------------------------------------------------------------

NEGATIVE = (
    "Value does not match validator.\n"
    "\n"
    "Value: -1\n"
    "Validator: Input should be greater than or equal to 0"
)


def test_a_constraint_is_checked_on_the_way_in() -> None:
    with pytest.raises(ValidationError) as raised:
        loaded(Annotated[int, Field(ge=0)], -1.0)

    assert str(raised.value) == NEGATIVE


def test_a_constraint_is_checked_on_the_way_out() -> None:
    with pytest.raises(ReturnsValidationError) as raised:
        dumped(Annotated[int, Field(ge=0)], -1)

    assert str(raised.value) == NEGATIVE


@pytest.mark.parametrize(
    ("annotation", "thing"),
    [
        (list[Annotated[int, Field(ge=0)]], [3, -1]),
        (Annotated[int, Field(ge=0)] | None, -1),
        (Options, {"name": "a", "limit": -1}),
        (Patient, {"age": -1}),
        (dict[str, Annotated[str, Field(max_length=2)]], {"a": "long"}),
        (Annotated[list[int], Field(min_length=1)], []),
    ],
)
def test_a_constraint_inside_holds_both_ways(annotation: Any, thing: Any) -> None:
    with pytest.raises(ReturnsValidationError):
        dumped(annotation, thing)
    with pytest.raises(ValidationError):
        loaded(annotation, value_of(thing))


def test_what_meets_its_constraint_passes() -> None:
    assert dumped(Annotated[str, Field(max_length=2)], "ab") == "ab"
    assert loaded(Options, {"name": "a", "limit": 0.0}) == {"name": "a", "limit": 0}


def test_a_models_own_findings_are_told_with_their_path() -> None:
    with pytest.raises(ValidationError) as raised:
        loaded(Even, {"numbers": [2.0, 3.0]})

    assert str(raised.value) == (
        "Value does not match validator.\n"
        "Path: .numbers\n"
        "Value: [2, 3]\n"
        "Validator: Value error, they are not even"
    )


# --- Definitions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "annotation",
    [set[str], tuple[int, int], complex, "str", list[set[int]], type, Id, 3, print, ...],
)
def test_an_annotation_without_a_counterpart_is_refused(annotation: Any) -> None:
    with pytest.raises(DefinitionError, match="has no counterpart in the protocol"):
        annotation_of(annotation)


@pytest.mark.parametrize("key", [int, Any, str | int, bytes, Literal["a", 1]])
def test_the_keys_of_an_object_are_texts(key: Any) -> None:
    with pytest.raises(DefinitionError, match="the keys of an object are texts"):
        annotation_of(dict[key, str])


@pytest.mark.parametrize("target", [str, Point, "Person"])
def test_an_id_is_of_a_table(target: Any) -> None:
    with pytest.raises(DefinitionError, match="want the class of a table"):
        annotation_of(Id[target])


def test_plain_annotations_convert_nothing() -> None:
    plain: list[Annotation] = [annotation_of(a) for a in (str, list[str], str | None, Id[Person])]
    converted = [annotation_of(a) for a in (int, list[int], int | None, Any, Color, Point)]

    assert all(annotation.is_plain for annotation in plain)
    assert not any(annotation.is_plain for annotation in converted)
