import pytest

from livefile import DefinitionError
from livefile.model.names import (
    check_identifier,
    check_index_fields,
    check_index_name,
    check_table_name,
)
from livefile.vocabulary.limits import FIELDS_PER_INDEX_MAX, IDENTIFIER_LENGTH_MAX


@pytest.mark.parametrize("name", ["a", "A", "_a", "a1", "by_Name", "a" * IDENTIFIER_LENGTH_MAX])
def test_letters_digits_and_underscores_make_an_identifier(name: str) -> None:
    check_identifier(name, "function")


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "a.b", "é", "a\n", "_", "__", "$a"])
def test_nothing_else_is_an_identifier(name: str) -> None:
    with pytest.raises(DefinitionError, match="function"):
        check_identifier(name, "function")


def test_an_identifier_has_at_most_64_characters() -> None:
    with pytest.raises(DefinitionError, match=r"Identifier is too long \(65 > maximum 64\)"):
        check_identifier("a" * (IDENTIFIER_LENGTH_MAX + 1), "function")


@pytest.mark.parametrize("name", ["_users", "_storage", "_"])
def test_tables_with_an_underscore_are_the_systems(name: str) -> None:
    with pytest.raises(DefinitionError, match=f"{name} is a reserved table name"):
        check_table_name(name)


@pytest.mark.parametrize("name", ["by_id", "by_creation_time", "_by_name"])
def test_some_index_names_are_reserved(name: str) -> None:
    with pytest.raises(DefinitionError, match=f"users.{name}: the name is reserved"):
        check_index_name("users", name)


def test_an_index_name_is_an_identifier() -> None:
    check_index_name("users", "by_name")
    with pytest.raises(DefinitionError, match="index of users:"):
        check_index_name("users", "by-name")


def test_an_index_has_fields() -> None:
    check_index_fields(["name", "address.city", "author.id"])
    with pytest.raises(DefinitionError, match="at least one field"):
        check_index_fields([])


def test_an_index_has_at_most_16_fields() -> None:
    fields = [f"field_{position}" for position in range(FIELDS_PER_INDEX_MAX + 1)]

    check_index_fields(fields[:-1])
    with pytest.raises(DefinitionError, match=r"Indexes may have up to 16 fields\."):
        check_index_fields(fields)


def test_an_index_names_a_field_once() -> None:
    with pytest.raises(DefinitionError, match="names a field twice"):
        check_index_fields(["name", "age", "name"])


@pytest.mark.parametrize("field", ["_id", "_creationTime", "creation_time", "id", "a._b", "_x"])
def test_an_index_cannot_name_what_the_system_adds(field: str) -> None:
    with pytest.raises(DefinitionError, match="every index ends with the creation time"):
        check_index_fields(["name", field])


@pytest.mark.parametrize("field", ["", "a.", ".a", "a..b", "a b", "a-b"])
def test_a_field_path_is_made_of_identifiers(field: str) -> None:
    with pytest.raises(DefinitionError, match="identifier"):
        check_index_fields([field])
