"""Tables of pushed schemas: the JSON that the library exports, and what becomes of it in a file."""

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import AppError, DefinitionError, DocumentValidationError, Id
from livefile.functions.deploy import Deploy
from livefile.functions.job import runs_at_once
from livefile.model import validator as v
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.pushed_table import PushedTable, pushed_tables
from livefile.model.schema import Schema
from livefile.model.validator import trusted_tables
from livefile.model.validator_json import validator_from_json, validator_to_json
from tests.workbench import NO_CALL, Workbench

STRING = {"type": "string"}
NUMBER = {"type": "number"}


def field(tree: object, *, optional: bool = False) -> dict[str, object]:
    return {"fieldType": tree, "optional": optional}


def document(**fields: object) -> dict[str, object]:
    return {"type": "object", "value": {name: field(tree) for name, tree in fields.items()}}


def table(name: str, document_type: object, **indexes: object) -> dict[str, object]:
    none: dict[str, object] = {
        name: [] for name in ("indexes", "stagedDbIndexes", "searchIndexes", "vectorIndexes")
    }
    return {"tableName": name, "documentType": document_type, **none, **indexes}


def schema(*tables: object, is_validated: bool = True) -> dict[str, Any]:
    return {"tables": list(tables), "schemaValidation": is_validated}


def one(tree: object) -> PushedTable:
    (found,) = pushed_tables(schema(tree))
    return found


MESSAGES = table(
    "messages",
    document(
        author={"type": "id", "tableName": "users"},
        body=STRING,
        embedding={"type": "array", "value": NUMBER},
        meta=document(source=STRING),
    ),
    indexes=[{"indexDescriptor": "by_author", "fields": ["author", "meta.source"]}],
    stagedDbIndexes=[{"indexDescriptor": "later", "fields": ["body"]}],
    searchIndexes=[
        {"indexDescriptor": "search_body", "searchField": "body", "filterFields": ["author"]}
    ],
    vectorIndexes=[
        {
            "indexDescriptor": "by_embedding",
            "vectorField": "embedding",
            "dimensions": 3,
            "filterFields": ["author"],
        }
    ],
)


def test_indexes_of_every_kind_are_declared_and_staged_ones_wait() -> None:
    assert one(MESSAGES).specs == {
        "by_author": IndexSpec(("author", "meta.source")),
        "search_body": IndexSpec(("body",), kind=IndexKind.TEXT, filters=("author",)),
        "by_embedding": IndexSpec(
            ("embedding",), kind=IndexKind.VECTOR, filters=("author",), dimensions=3
        ),
    }


def test_documents_have_the_declared_fields_and_no_defaults() -> None:
    assert str(one(MESSAGES).validator) == (
        'v.object({author: v.id("users"), body: v.string(), embedding: v.array(v.float64()), '
        "meta: v.object({source: v.string()})})"
    )
    assert one(MESSAGES).defaults == {}


def test_system_fields_may_be_declared() -> None:
    declared = document(_id={"type": "id", "tableName": "notes"}, _creationTime=NUMBER, text=STRING)

    assert str(one(table("notes", declared)).validator) == "v.object({text: v.string()})"


def test_documents_may_be_a_union_of_objects_and_indexed_by_what_some_have() -> None:
    either = {"type": "union", "value": [document(name=STRING), document(nick=STRING)]}
    found = one(
        table("users", either, indexes=[{"indexDescriptor": "by_name", "fields": ["name"]}])
    )

    assert found.validator.mismatch({"nick": "Ann"}, trusted_tables) is None
    assert found.validator.mismatch({"name": 3.0}, trusted_tables) is not None
    assert found.indexes == {"by_name": ("name",)}


@pytest.mark.parametrize("document_type", [{"type": "any"}, None])
def test_documents_may_be_anything(document_type: object) -> None:
    indexes = [{"indexDescriptor": "by_any", "fields": ["any.thing"]}]

    assert one(table("things", document_type, indexes=indexes)).validator == v.ANY


def test_without_validation_the_indexes_are_left() -> None:
    (found,) = pushed_tables(schema(MESSAGES, is_validated=False))

    assert found.validator == v.ANY
    assert found.specs.keys() == {"by_author", "search_body", "by_embedding"}


def test_a_components_tables_have_its_path_in_their_names_and_in_ids() -> None:
    declared = document(
        owner={"type": "id", "tableName": "users"}, file={"type": "id", "tableName": "_storage"}
    )
    (found,) = pushed_tables(schema(table("files", declared)), "drive/box/")

    assert found.name == "drive/box/files"
    assert str(found.validator) == (
        'v.object({file: v.id("_storage"), owner: v.id("drive/box/users")})'
    )


def test_a_field_called_id_is_indexed_like_every_other() -> None:
    indexes = [{"indexDescriptor": "by_number", "fields": ["id", "creation_time"]}]
    found = one(table("rows", document(id=STRING, creation_time=NUMBER), indexes=indexes))

    assert found.indexes == {"by_number": ("id", "creation_time")}


def indexed(name: str = "by_body", fields: object = ("body",)) -> dict[str, object]:
    return table(
        "notes",
        document(body=STRING),
        indexes=[{"indexDescriptor": name, "fields": list(fields)}],  # type: ignore[call-overload]
    )


def vectors(dimensions: object) -> dict[str, object]:
    index = {"indexDescriptor": "near", "vectorField": "body", "filterFields": []}
    return table(
        "notes", document(body=STRING), vectorIndexes=[{**index, "dimensions": dimensions}]
    )


TWICE = [{"indexDescriptor": "by_body", "fields": ["body"]}] * 2


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        (table("_notes", document()), "_notes is a reserved table name."),
        (table("no-tes", document()), "an identifier starts with a letter"),
        (indexed("by_id"), "index notes.by_id: the name is reserved"),
        (indexed("_by_body"), "index notes._by_body: the name is reserved"),
        (table("notes", document(body=STRING), indexes=TWICE), 'two indexes with the name "by_bo'),
        (indexed(fields=[]), "index notes.by_body: an index needs at least one field"),
        (indexed(fields=["body", "body"]), "names a field twice"),
        (indexed(fields=["_creationTime"]), "cannot name '_creationTime'"),
        (indexed(fields=[3]), r"fields must be texts, not \[3\]"),
        (indexed(fields=["boddy"]), 'the field "boddy" that does not exist'),
        (indexed(fields=["body.length"]), 'the field "body.length" that does not exist'),
        (vectors(1), "Dimensions 1 must be between 2 and 4096."),
        (vectors(2.5), "Dimensions 2.5 must be a whole number."),
        (vectors(None), "Dimensions None must be a whole number."),
        (table("notes", STRING), 'table "notes": documents are objects or a union of objects'),
        (table("notes", {"type": "texts"}), 'table "notes": this is no validator'),
        (table("notes", {"type": "object", "value": {"a": STRING}}), "no field of a validator"),
    ],
)
def test_what_no_table_can_be_is_refused_by_name(tree: dict[str, object], wanted: str) -> None:
    with pytest.raises(DefinitionError, match=wanted):
        pushed_tables(schema(tree))


def test_a_table_is_declared_once() -> None:
    with pytest.raises(DefinitionError, match='declares the table "messages" twice'):
        pushed_tables(schema(MESSAGES, MESSAGES))


LEAVES = st.sampled_from(
    [
        *(v.ANY, v.NULL, v.BOOLEAN, v.FLOAT64, v.WHOLE_FLOAT64, v.INT64, v.STRING, v.BYTES),
        *(v.IdOf(table="users"), v.Literal(value="a"), v.Literal(value=3), v.Literal(value=3.5)),
    ]
)
VALIDATORS: st.SearchStrategy[v.Validator] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda item: v.Array(item=item), inner),
        st.builds(lambda item: v.Record(key=v.STRING, value=item), inner),
        st.builds(lambda items: v.Union(members=items), st.lists(inner, max_size=3)),
        st.builds(
            lambda items: v.Object(
                fields={n: v.Field(validator=it, is_optional=o) for n, (it, o) in items.items()}
            ),
            st.dictionaries(st.sampled_from("abc"), st.tuples(inner, st.booleans())),
        ),
    ),
    max_leaves=8,
)


@given(VALIDATORS)
def test_a_validator_is_read_back_from_its_json(validator: v.Validator) -> None:
    assert validator_from_json(json.loads(validator_to_json(validator))) == validator


def test_a_commits_timestamp_is_stored_as_an_int64() -> None:
    assert validator_from_json({"type": "commitTs"}) == v.INT64


# --- In a file ------------------------------------------------------------------------------


def deploy(bench: Workbench, *tables: object, prefix: str = "") -> None:
    bench.schema = Schema(pushed_tables(schema(*tables), prefix))
    run_job = runs_at_once(bench.database)
    Deploy(bench.database, bench.clock, bench.schema, NO_CALL, run_job).run()


def notes(document_type: object, **indexes: object) -> dict[str, object]:
    return table("notes", document_type, **indexes)


def insert(bench: Workbench, name: str, **fields: Any) -> str:
    transaction = bench.head()
    id = transaction.insert(name, fields)
    bench.commit(transaction)
    bench.settle()
    return id


def test_stored_documents_are_checked_against_a_new_union() -> None:
    with Workbench() as bench:
        deploy(bench, notes({"type": "any"}))
        wrong = insert(bench, "notes", text=3.0)

        either = {"type": "union", "value": [document(text=STRING), document(body=STRING)]}
        with pytest.raises(AppError, match=f'document {wrong} of table "notes"'):
            deploy(bench, notes(either))

        assert bench.database.catalog.tables["notes"].validator == '{"type":"any"}'


def test_indexes_of_a_component_are_built_over_its_documents() -> None:
    with Workbench() as bench:
        deploy(bench, notes(document(text=STRING)), prefix="drive/box/")
        insert(bench, "drive/box/notes", text="b")
        insert(bench, "drive/box/notes", text="a")

        indexes = [{"indexDescriptor": "by_text", "fields": ["text"]}]
        deploy(bench, notes(document(text=STRING), indexes=indexes), prefix="drive/box/")

        found = bench.database.catalog.tables["drive/box/notes"]
        assert not found.is_system
        assert found.indexes["by_text"].spec == IndexSpec(("text",))


def test_python_reads_and_writes_a_pushed_table_by_its_name() -> None:
    with Workbench() as bench:
        deploy(bench, notes(document(text=STRING)))
        with bench.change() as writer:
            id = writer.table("notes").insert({"text": "a"})

            with pytest.raises(DefinitionError, match=r'in TypeScript.*ctx\.db\.table\("notes"\)'):
                writer.get(cast("Id[Any]", id))
            with pytest.raises(DocumentValidationError, match="does not match the schema"):
                writer.table("notes").insert({"text": 3})

            found = writer.table("notes").get(id)
            assert found is not None
            assert found["text"] == "a"
