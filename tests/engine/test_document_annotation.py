"""Documents as results and arguments, also deep inside of other things."""

from typing import Any

import pytest
from pydantic import BaseModel

from livefile import Int64, Table, Value
from livefile.model.annotation_reader import annotation_of
from livefile.model.document_id import encode_document_id
from livefile.vocabulary.errors import ReturnsValidationError
from tests.strategies import exact

TABLES = {10_001: "players"}
PLAYER_ID = encode_document_id(10_001, bytes(16))


class Person(Table, name="players"):
    name: str
    level: Int64 = Int64(1)
    nickname: str | None = None


class Point(BaseModel):
    x: float


def dumped(annotation: Any, thing: Any) -> Value:
    return annotation_of(annotation).to_value(thing, TABLES.get, ReturnsValidationError)


def loaded(annotation: Any, value: Value) -> Any:
    read = annotation_of(annotation)
    assert read.validator.mismatch(value, TABLES.get) is None
    return read.to_python(value)


def stored_person(**fields: Any) -> Person:
    document = {"_id": PLAYER_ID, "_creationTime": 5.0, **fields}
    person = Person.__livefile_table__.load(document)
    assert isinstance(person, Person)
    return person


def test_a_document_is_dumped_as_it_is_stored() -> None:
    person = stored_person(name="Ada", level=3, nickname=None)

    assert exact(dumped(Person, person)) == exact(
        {"_id": PLAYER_ID, "_creationTime": 5.0, "name": "Ada", "level": 3, "nickname": None}
    )


def test_a_documents_validator_has_the_system_fields() -> None:
    assert str(annotation_of(Person).validator) == (
        'v.object({_creationTime: v.float64(), _id: v.id("players"), level: v.int64(), '
        "name: v.string(), nickname: v.union(v.string(), v.null())})"
    )


def test_a_document_comes_back_as_one() -> None:
    person = stored_person(name="Ada", level=3, nickname=None)
    back = loaded(Person, dumped(Person, person))

    assert isinstance(back, Person)
    assert (back, back.id, back.level) == (person, PLAYER_ID, 3)


@pytest.mark.parametrize(
    "annotation",
    [Any, dict[str, Any], list[Any], list[Person], Person | None, dict[str, Person], object],
)
def test_documents_may_be_inside_of_results(annotation: Any) -> None:
    person = stored_person(name="Ada", level=3, nickname=None)
    stored = dumped(Person, person)
    thing: Any = person
    wanted = stored
    if "dict" in str(annotation):
        thing, wanted = {"row": person}, {"row": stored}
    elif "list" in str(annotation):
        thing, wanted = [person], [stored]

    assert exact(dumped(annotation, thing)) == exact(wanted)


def test_a_document_deep_inside_of_any_keeps_its_integers() -> None:
    person = stored_person(name="Ada", level=3, nickname=None)
    page = {"page": [{"row": person, "count": 1}]}

    assert exact(dumped(Any, page)) == exact(
        {"page": [{"row": dumped(Person, person), "count": 1.0}]}
    )


def test_a_document_that_was_never_stored_is_no_result() -> None:
    with pytest.raises(ReturnsValidationError, match="missing the required field"):
        dumped(Person, Person(name="Ada"))


def test_models_inside_of_any_become_objects() -> None:
    assert dumped(Any, [Point(x=1)]) == [{"x": 1.0}]
