import warnings
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import Field
from pydantic import ValidationError as PydanticValidationError

from livefile import DefinitionError, DocumentValidationError, Id, Int64, Table, Value, index
from livefile.model.document_id import encode_document_id
from livefile.model.schema import Schema
from livefile.model.table import ModelTable
from livefile.vocabulary.limits import INDEXES_PER_TABLE_MAX
from tests.strategies import exact
from tests.workbench import Workbench

MEMBER_ID = encode_document_id(10_001, bytes(16))
OTHER_ID = encode_document_id(10_001, bytes(15) + b"\x01")


class Club(Table, name="clubs"):
    name: str
    # Club is declared before Member, and names it.
    president: "Id[Member] | None" = None


class Member(Table, name="members"):
    name: str
    age: int = 18
    number: Int64 = Int64(0)
    tags: list[str] = ["new"]  # noqa: RUF012  # Pydantic copies it.
    scores: dict[str, Any] = Field(default_factory=dict)
    by_name = index("name")
    by_name_age = index("name", "age")
    by_score = index("scores.last")


MEMBERS = Member.__livefile_table__
TABLES = {10_001: "members"}


def stored(**fields: Value) -> dict[str, Value]:
    return {"_id": MEMBER_ID, "_creationTime": 5.0, **fields}


def whole(**fields: Value) -> dict[str, Value]:
    defaults: dict[str, Value] = {"age": 18.0, "number": 0, "tags": ["new"], "scores": {}}
    return stored(**{"name": "Ada", **defaults, **fields})


def loaded(document: dict[str, Value]) -> Member:
    member = MEMBERS.load(document)
    assert isinstance(member, Member)
    return member


# --- Declaring -----------------------------------------------------------------------------


def test_a_table_has_a_name_fields_and_indexes() -> None:
    assert MEMBERS.name == "members"
    assert list(MEMBERS.annotations) == ["name", "age", "number", "tags", "scores"]
    assert MEMBERS.indexes == {
        "by_name": ("name",),
        "by_name_age": ("name", "age"),
        "by_score": ("scores.last",),
    }


def test_a_fields_default_makes_it_optional_to_write() -> None:
    assert str(MEMBERS.validator) == (
        "v.object({age: v.optional(v.float64()), name: v.string(), number: v.optional(v.int64()), "
        "scores: v.optional(v.record(v.string(), v.any())), "
        "tags: v.optional(v.array(v.string()))})"
    )


def test_a_reader_finds_every_field() -> None:
    assert str(MEMBERS.read_validator) == (
        'v.object({_creationTime: v.float64(), _id: v.id("members"), age: v.float64(), '
        "name: v.string(), number: v.int64(), scores: v.record(v.string(), v.any()), "
        "tags: v.array(v.string())})"
    )


def test_an_id_may_name_a_table_that_is_declared_later() -> None:
    assert str(Club.__livefile_table__.annotations["president"].validator) == (
        'v.union(v.id("members"), v.null())'
    )


def test_a_table_inherits_fields_and_indexes() -> None:
    class Veteran(Member, name="veterans"):
        since: float
        by_since = index("since")

    definition = Veteran.__livefile_table__

    assert list(definition.annotations) == ["name", "age", "number", "tags", "scores", "since"]
    assert definition.indexes == {**MEMBERS.indexes, "by_since": ("since",)}
    assert Veteran.by_name.table == "veterans"
    assert "by_since" not in MEMBERS.indexes


def declare_without_name() -> object:
    class Nameless(Table):
        name: str

    return Nameless


def declare_reserved_name() -> object:
    class Reserved(Table, name="_members"):
        name: str

    return Reserved


def declare_bad_name() -> object:
    class Bad(Table, name="my-members"):
        name: str

    return Bad


def declare_foreign_annotation() -> object:
    class Foreign(Table, name="foreign"):
        kinds: set[str]

    return Foreign.__livefile_table__.annotations


def declare_index_of_nothing() -> object:
    class Indexed(Table, name="indexed"):
        name: str
        by_nothing = index()

    return Indexed


def declare_index_of_unknown_field() -> object:
    class Indexed(Table, name="indexed"):
        name: str
        by_age = index("name", "age")

    return Indexed.__livefile_table__.annotations


def declare_reserved_index() -> object:
    class Indexed(Table, name="indexed"):
        name: str
        by_creation_time = index("name")

    return Indexed


def declare_index_over_a_method() -> object:
    class Indexed(Table, name="indexed"):
        name: str
        model_dump = index("name")  # type: ignore[assignment]  # That is the point.

    return Indexed


def declare_same_index_twice() -> object:
    class Indexed(Table, name="indexed"):
        name: str
        by_name = index("name")
        also_by_name = index("name")

    return Indexed


def declare_own_id() -> object:
    class Owner(Table, name="owners"):
        id: str  # type: ignore[assignment]  # That is the point.

    return Owner


def declare_own_creation_time() -> object:
    class Owner(Table, name="owners"):
        creation_time: float

    return Owner


def declare_too_many_indexes() -> object:
    fields = [f"field_{position}" for position in range(INDEXES_PER_TABLE_MAX + 1)]
    attributes: dict[str, Any] = {f"by_{field}": index(field) for field in fields}
    attributes |= {"__annotations__": dict.fromkeys(fields, str), "__module__": __name__}
    make: Any = type(Table)  # Any: mypy does not know that a metaclass takes a name.
    made: object = make("Wide", (Table,), attributes, name="wide")
    return made


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (declare_without_name, "table Nameless: it has no name"),
        (declare_reserved_name, "_members is a reserved table name."),
        (declare_bad_name, "table 'my-members': an identifier starts with"),
        (declare_foreign_annotation, "table foreign, field kinds: the annotation set"),
        (declare_index_of_nothing, "an index needs at least one field"),
        (declare_index_of_unknown_field, "table indexed, index by_age: there is no field 'age'"),
        (declare_reserved_index, "index indexed.by_creation_time: the name is reserved"),
        (declare_index_over_a_method, "index indexed.model_dump: the name is reserved"),
        (declare_same_index_twice, "by_name and also_by_name have the same fields: name"),
        (declare_own_id, "table owners: the field name 'id' is reserved"),
        (declare_own_creation_time, "the field name 'creation_time' is reserved"),
        (declare_too_many_indexes, 'Table "wide" cannot have more than 64 indexes.'),
    ],
)
def test_a_table_that_cannot_be_is_refused(declare: Callable[[], object], text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pydantic warns of fields that hide a property.
        with pytest.raises(DefinitionError) as raised:
            declare()

    assert text in str(raised.value)


def test_two_classes_cannot_declare_one_table() -> None:
    class Twin(Table, name="members"):
        name: str

    with pytest.raises(DefinitionError, match="two classes declare the table 'members'"):
        Schema([MEMBERS, Twin.__livefile_table__])

    assert list(Schema([MEMBERS, MEMBERS, Club.__livefile_table__]).tables) == ["clubs", "members"]


# --- Documents -----------------------------------------------------------------------------


def test_a_document_is_built_with_its_defaults() -> None:
    member = Member(name="Ada")

    assert (member.age, member.number, member.tags, member.scores) == (18, 0, ["new"], {})


@pytest.mark.parametrize("fields", [{}, {"name": 1}, {"name": "Ada", "size": 3}])
def test_a_document_that_does_not_fit_is_not_built(fields: dict[str, Any]) -> None:
    with pytest.raises(PydanticValidationError):
        Member(**fields)


def test_a_document_is_frozen() -> None:
    member = loaded(whole())

    with pytest.raises(PydanticValidationError, match="frozen"):
        member.name = "Bob"


def test_a_document_that_was_not_stored_has_no_id() -> None:
    member = Member(name="Ada")

    for name in ("id", "creation_time", "stored_document"):
        with pytest.raises(AttributeError, match="it has no id"):
            getattr(member, name)


def test_a_loaded_document_has_python_objects_and_the_stored_document() -> None:
    member = loaded(whole(age=36.0, number=7, scores={"last": 3}))

    assert (member.id, member.creation_time) == (MEMBER_ID, 5.0)
    assert exact([member.age, member.number]) == exact([36, Int64(7)])
    assert exact(member.scores["last"]) == exact(Int64(3))
    assert exact(member.stored_document) == exact(whole(age=36.0, number=7, scores={"last": 3}))


def test_a_document_older_than_a_field_has_its_default() -> None:
    member = loaded(stored(name="Ada"))

    assert (member.age, member.tags) == (18, ["new"])
    assert exact(member.stored_document) == exact(whole())


def test_who_changes_a_default_list_changes_no_other_document() -> None:
    loaded(stored(name="Ada")).tags.append("old")

    assert loaded(stored(name="Bob")).tags == ["new"]


def test_a_document_is_dumped_with_its_defaults() -> None:
    fields = MEMBERS.dump(Member(name="Ada", age=36), TABLES.get)

    assert exact(fields) == exact(
        {"name": "Ada", "age": 36.0, "number": 0, "tags": ["new"], "scores": {}}
    )


def test_loading_and_dumping_gives_the_same_fields() -> None:
    document = whole(age=36.0, scores={"a": [1, 2.0, None]})
    fields = {name: item for name, item in document.items() if not name.startswith("_")}

    assert exact(MEMBERS.dump(loaded(document), TABLES.get)) == exact(fields)


def test_a_dumped_list_is_not_the_documents_own() -> None:
    member = Member(name="Ada")
    fields = MEMBERS.dump(member, TABLES.get)
    member.tags.append("late")

    assert fields["tags"] == ["new"]


@pytest.mark.parametrize(
    ("field", "thing", "text"),
    [
        ("size", 3, "table \"members\" has no field 'size'; it has name, age,"),
        ("name", 3, "does not match the schema: field name: Value does not match validator."),
        ("age", 0.5, "Value: 0.5\nValidator: v.float64() (a whole number)"),
    ],
)
def test_a_field_that_does_not_fit_is_named(field: str, thing: Any, text: str) -> None:
    with pytest.raises(DocumentValidationError) as raised:
        MEMBERS.field_value(field, thing, TABLES.get)

    assert text in str(raised.value)


def test_documents_are_equal_by_fields_and_id() -> None:
    ada, same = loaded(whole()), loaded(whole())
    other = loaded({**whole(), "_id": OTHER_ID})

    assert ada == same
    assert hash(ada) == hash(same)
    assert ada != other
    assert ada != loaded(whole(age=36.0))
    assert ada != Member(name="Ada")
    assert Member(name="Ada") == Member(name="Ada")


def test_a_document_prints_with_its_id() -> None:
    assert repr(Member(name="Ada")) == (
        "Member(name='Ada', age=18, number=0, tags=['new'], scores={})"
    )
    assert repr(loaded(whole())).startswith(f"Member(id='{MEMBER_ID}', name='Ada', ")


# --- Constraints ---------------------------------------------------------------------------


class Account(Table, name="accounts"):
    balance: Annotated[int, Field(ge=0)]
    limit: int = Field(default=0, le=100)
    notes: list[Annotated[str, Field(max_length=3)]] = Field(default_factory=list)


@pytest.mark.parametrize(
    "fields", [{"balance": -1}, {"balance": 0, "limit": 101}, {"balance": 0, "notes": ["long"]}]
)
def test_a_constraint_holds_when_a_document_is_built(fields: dict[str, Any]) -> None:
    with pytest.raises(PydanticValidationError):
        Account(**fields)


@pytest.mark.parametrize("fields", [{"balance": -1}, {"limit": 101}, {"notes": ["a", "long"]}])
def test_a_constraint_holds_for_a_patch(fields: dict[str, Any]) -> None:
    with Workbench(Account) as bench, bench.change() as db:
        id = db.insert(Account(balance=1))

        with pytest.raises(DocumentValidationError, match=r"Input should|String should"):
            db.patch(id, **fields)

        assert db.get(id) == db.query(Account).unique()


def test_a_stored_document_is_not_checked_again() -> None:
    class Loose(Table, name="accounts"):
        balance: int

    class Tight(Table, name="accounts"):
        balance: Annotated[int, Field(ge=0)]

    with Workbench(Loose) as bench:
        with bench.change() as db:
            id = db.insert(Loose(balance=-1))
        bench.declare(Tight)

        with bench.change() as db:
            found: Any = db.get(id)
            assert found.balance == -1


def test_a_definition_is_made_from_the_class_alone() -> None:
    again = ModelTable("members", Member)

    assert str(again.validator) == str(MEMBERS.validator)
    assert again.indexes == MEMBERS.indexes
