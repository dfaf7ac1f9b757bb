"""The protocol's rules for the names of tables, indexes and their fields.

Not here: field names of documents (``model/value.py``); function paths (``functions/path.py``).
"""

import re
from collections.abc import Sequence

from livefile.vocabulary.errors import DefinitionError
from livefile.vocabulary.limits import FIELDS_PER_INDEX_MAX, IDENTIFIER_LENGTH_MAX

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_RESERVED_INDEXES = ("by_id", "by_creation_time")


def check_identifier(name: str, what: str) -> None:
    """Refuse a name that is no identifier of the protocol."""
    if len(name) > IDENTIFIER_LENGTH_MAX:
        raise DefinitionError(
            f"{what} {name}: Identifier is too long ({len(name)} > maximum {IDENTIFIER_LENGTH_MAX})"
        )
    if not _IDENTIFIER.fullmatch(name) or not name.strip("_"):
        raise DefinitionError(
            f"{what} {name!r}: an identifier starts with a letter or underscore, then letters, "
            "digits and underscores, and is not only underscores"
        )


def check_table_name(name: str) -> None:
    """Refuse the name of a table that the protocol does not allow."""
    if name.startswith("_"):
        raise DefinitionError(f"table: {name} is a reserved table name.")
    check_identifier(name, "table")


def check_stored_table_name(name: str) -> None:
    """Refuse what no table of a file is called: a component's path may stand before the name."""
    component, _, own_name = name.rpartition("/")
    for part in component.split("/") if component else ():
        check_identifier(part, "component")
        if part.startswith("_"):
            raise DefinitionError(f"component {part}: a name does not begin with an underscore")
    check_table_name(own_name)


def check_index_name(table: str, name: str) -> None:
    """Refuse the name of an index that the protocol does not allow."""
    if name.startswith("_") or name in _RESERVED_INDEXES:
        raise DefinitionError(f"index {table}.{name}: the name is reserved")
    check_identifier(name, f"index of {table}:")


def check_index_fields(fields: Sequence[str]) -> None:
    """Refuse a list of fields that no index can have, and the names that a class has for its own.

    In Python a document's id and its creation time are ``id`` and ``creation_time``.
    """
    for field in fields:
        if field in ("creation_time", "id"):
            raise _implied(field)
    check_field_paths(fields)


def check_field_paths(fields: Sequence[str]) -> None:
    """Refuse a list of fields that no index can have."""
    if not fields:
        raise DefinitionError("an index needs at least one field")
    if len(fields) > FIELDS_PER_INDEX_MAX:
        raise DefinitionError(f"Indexes may have up to {FIELDS_PER_INDEX_MAX} fields.")
    if len(set(fields)) != len(fields):
        raise DefinitionError(f"an index over {', '.join(fields)} names a field twice")
    for field in fields:
        if field.startswith("_") or "._" in field:
            raise _implied(field)
        for part in field.split("."):
            check_identifier(part, "field")


def _implied(field: str) -> DefinitionError:
    return DefinitionError(
        f"an index cannot name {field!r}: every index ends with the creation time and the id by "
        "itself"
    )
