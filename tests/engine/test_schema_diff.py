"""What a new schema asks of a file."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from livefile import Table, index
from livefile.model import validator as v
from livefile.model.index_spec import IndexSpec
from livefile.model.schema import Schema
from livefile.model.schema_diff import ANY_VALIDATOR, StoredTable, covers, schema_diff
from livefile.model.validator_json import validator_to_json
from livefile.model.value import Value
from tests.strategies import values


class Person(Table, name="people"):
    name: str
    by_name = index("name")


class PersonWithCity(Table, name="people"):
    name: str
    city: str = "Nowhere"
    age: float = 0.0
    by_name = index("name")
    by_city = index("city", "name")


class PersonByAge(Table, name="people"):
    name: str
    city: str
    age: float = 0.0
    by_name = index("city")


class Pet(Table, name="pets"):
    name: str
    by_name = index("name")


def stored(*models: type[Table]) -> dict[str, StoredTable]:
    """Return what a file has whose schema is that of these tables."""
    return {
        model.__livefile_table__.name: StoredTable(
            validator=validator_to_json(model.__livefile_table__.validator),
            indexes=model.__livefile_table__.specs,
        )
        for model in models
    }


def schema(*models: type[Table]) -> Schema:
    return Schema(model.__livefile_table__ for model in models)


def test_a_schema_that_a_file_has_asks_for_nothing() -> None:
    diff = schema_diff(stored(PersonWithCity, Pet), schema(PersonWithCity, Pet))

    assert diff.is_empty
    assert not diff.checks
    assert not diff.defaults


def test_a_new_table_is_no_work_for_its_documents() -> None:
    diff = schema_diff(stored(Person), schema(Person, Pet))

    assert diff.new_tables == ["pets"]
    assert not [*diff.new_indexes, *diff.checks, *diff.validators]


def test_a_new_field_with_a_default_needs_no_check() -> None:
    diff = schema_diff(stored(Person), schema(PersonWithCity))

    assert not diff.checks
    assert diff.defaults == {"people": {"city": "Nowhere", "age": 0.0}}
    assert diff.validators.keys() == {"people"}


def test_a_new_index_over_a_new_field_has_the_default_in_its_keys() -> None:
    (new,) = schema_diff(stored(Person), schema(PersonWithCity)).new_indexes

    assert (new.name, new.spec.fields, new.missing) == (
        "by_city",
        ("city", "name"),
        {"city": "Nowhere"},
    )


def test_a_field_without_its_default_asks_for_a_check() -> None:
    diff = schema_diff(stored(PersonWithCity), schema(PersonByAge))

    assert diff.checks.keys() == {"people"}
    assert not diff.defaults


def test_an_index_over_other_fields_is_dropped_and_built() -> None:
    diff = schema_diff(stored(PersonWithCity), schema(PersonByAge))

    assert diff.dropped_indexes == [("people", "by_name"), ("people", "by_city")]
    assert [(new.name, new.spec.fields) for new in diff.new_indexes] == [("by_name", ("city",))]


def test_a_table_that_is_declared_no_more_takes_anything_and_has_no_index() -> None:
    diff = schema_diff(stored(Person), schema())

    assert diff.validators == {"people": ANY_VALIDATOR}
    assert diff.dropped_indexes == [("people", "by_name")]
    assert not diff.checks


def test_a_table_that_took_anything_is_checked_and_filled_in() -> None:
    untyped = {"people": StoredTable(validator=ANY_VALIDATOR, indexes={})}
    diff = schema_diff(untyped, schema(PersonWithCity))

    assert diff.checks.keys() == {"people"}
    assert diff.defaults == {"people": {"city": "Nowhere", "age": 0.0}}


def test_an_index_over_a_field_that_gets_a_default_is_built_anew() -> None:
    untyped = {
        "people": StoredTable(
            validator=ANY_VALIDATOR, indexes={"by_city": IndexSpec(("city", "name"))}
        )
    }
    diff = schema_diff(untyped, schema(PersonWithCity))

    assert ("people", "by_city") in diff.dropped_indexes
    assert "by_city" in [new.name for new in diff.new_indexes]


# --- covers --------------------------------------------------------------------------------

LEAVES = [
    v.NULL, v.BOOLEAN, v.FLOAT64, v.WHOLE_FLOAT64, v.INT64, v.STRING, v.BYTES, v.ANY,
    v.IdOf(table="people"), v.IdOf(table="pets"), v.Literal(value="a"), v.Literal(value=True),
    v.Literal(value=1.0), v.Literal(value=1),
]  # fmt: skip


def validators() -> st.SearchStrategy[v.Validator]:
    return st.recursive(
        st.sampled_from(LEAVES),
        lambda inner: st.one_of(
            inner.map(lambda item: v.Array(item=item)),
            inner.map(lambda item: v.Record(key=v.STRING, value=item)),
            st.lists(inner, max_size=3).map(lambda members: v.Union(members=members)),
            st.dictionaries(
                st.sampled_from("abc"),
                st.builds(v.Field, validator=inner, is_optional=st.booleans()),
                max_size=3,
            ).map(lambda fields: v.Object(fields=fields)),
        ),
        max_leaves=6,
    )


def likely_values() -> st.SearchStrategy[Value]:
    return st.recursive(
        st.sampled_from([None, True, False, 0.5, 1.0, 1, "a", "b", b"a"]),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
        max_leaves=5,
    )


def tree(validator: v.Validator) -> dict[str, object]:
    parsed: dict[str, object] = orjson.loads(validator_to_json(validator))
    return parsed


@given(validators(), validators(), likely_values() | values(4))
def test_what_covers_another_validator_accepts_all_that_it_accepts(
    wider: v.Validator, narrower: v.Validator, value: Value
) -> None:
    if covers(tree(wider), tree(narrower)) and narrower.mismatch(value, lambda _: None) is None:
        assert wider.mismatch(value, lambda _: None) is None


@given(validators(), validators())
def test_a_union_covers_its_members_and_an_object_with_one_more_optional_field(
    first: v.Validator, second: v.Validator
) -> None:
    before = {"a": v.Field(validator=first)}
    more = {**before, "d": v.Field(validator=second, is_optional=True)}

    assert covers(tree(first), tree(first))
    assert covers(tree(v.Union(members=[first, second])), tree(second))
    assert covers(tree(v.Object(fields=more)), tree(v.Object(fields=before)))
    assert not covers(tree(v.Object(fields=before)), tree(v.Object(fields=more)))


def test_a_narrower_validator_covers_nothing_that_it_refuses() -> None:
    required = v.Object(fields={"a": v.Field(validator=v.STRING)})
    optional = v.Object(fields={"a": v.Field(validator=v.STRING, is_optional=True)})

    assert covers(tree(optional), tree(required))
    assert not covers(tree(required), tree(optional))
    assert not covers(tree(v.WHOLE_FLOAT64), tree(v.FLOAT64))
    assert not covers(tree(v.STRING), tree(v.ANY))
    assert not covers(tree(v.Literal(value="a")), tree(v.STRING))
    assert not covers(tree(v.IdOf(table="pets")), tree(v.IdOf(table="people")))
