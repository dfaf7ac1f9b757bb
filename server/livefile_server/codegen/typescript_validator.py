"""Which TypeScript type stands for which validator.

The types are those that the official ``convex`` package gives the same validators, so a page
cannot tell a function in Python from one in TypeScript.

Not here: how types are laid out in lines (``codegen/typescript_type.py``).
"""

import math
from collections.abc import Mapping, Sequence

from livefile import TableDescription
from livefile import validators as v
from livefile_server.codegen.typescript_type import (
    Generic,
    Name,
    ObjectType,
    Property,
    TypescriptType,
    quoted,
    union,
)

EMPTY_OBJECT = Name("Record<string, never>")
"""The official package's type for "no arguments"; ``{}`` would take every object."""

_PRIMITIVES: Mapping[str, str] = {
    "null": "null",
    "boolean": "boolean",
    "float64": "number",
    "int64": "bigint",
    "string": "string",
    "bytes": "ArrayBuffer",
}


class ValidatorTypes:
    """The types of one app's validators.

    ``Doc`` and ``Id`` of ``dataModel.d.ts`` stand for the documents and ids of known tables.
    """

    def __init__(self, tables: Sequence[TableDescription], *, is_named: bool = True) -> None:
        """Take the app's tables; ``is_named`` writes a whole document as ``Doc<"table">``."""
        self._documents = {table.name: stored_document(table) for table in tables}
        self._is_named = is_named

    def type_of(self, validator: v.Validator) -> TypescriptType:
        """Return the type of the values that match ``validator``."""
        match validator:
            case v.AnyValue():
                return Name("any")
            case v.Primitive(name=name):
                return Name(_PRIMITIVES[name])
            case v.IdOf(table=table):
                return self._type_of_id(table)
            case v.Literal(value=value):
                return Name(_literal(value))
            case v.Array(item=item):
                return Generic("Array", (self.type_of(item),))
            case v.Record(key=key, value=item):
                return self._type_of_record(key, item)
            case v.Object():
                return self._type_of_object(validator)
            case v.Union(members=members):
                return union(tuple(self.type_of(member) for member in members))
        raise AssertionError(f"a validator without a TypeScript type: {validator}")

    def _type_of_id(self, table: str) -> TypescriptType:
        # A table that the app does not declare is not among `TableNames`.
        return Name(f"{'Id' if table in self._documents else 'GenericId'}<{quoted(table)}>")

    def _type_of_record(self, key: v.Validator, value: v.Validator) -> TypescriptType:
        record = Generic("Record", (self.type_of(key), self.type_of(value)))
        if isinstance(key, v.Literal | v.Union):
            return Generic("Partial", (record,))  # A record need not hold every key it allows.
        return record

    def _type_of_object(self, validator: v.Object) -> TypescriptType:
        if self._is_named and (table := self._table_of(validator)) is not None:
            return Name(f"Doc<{quoted(table)}>")
        if not validator.fields:
            return EMPTY_OBJECT
        if self._is_named and validator == v.PAGINATION_OPTIONS:
            return Name("PaginationOptions")
        if self._is_named and (row := _row_of_page(validator)) is not None:
            return Generic("PaginationResult", (self.type_of(row),))
        return ObjectType(
            tuple(
                Property(name, self.type_of(field.validator), field.is_optional)
                for name, field in validator.fields.items()
            )
        )

    def _table_of(self, validator: v.Object) -> str | None:
        """Return the table whose documents, as they are read, match exactly this validator."""
        id_field = validator.fields.get("_id")
        if id_field is None or not isinstance(id_field.validator, v.IdOf):
            return None
        table = id_field.validator.table
        return table if self._documents.get(table) == validator else None


def _row_of_page(validator: v.Object) -> v.Validator | None:
    """Return what the rows of a page look like, None if this is no page."""
    page = validator.fields.get("page")
    if page is None or not isinstance(page.validator, v.Array):
        return None
    row = page.validator.item
    return row if validator == v.page_of(row) else None


def stored_document(table: TableDescription) -> v.Validator:
    """Return what a document of ``table`` looks like when it is read.

    A field with a default may be absent from a write, but the engine fills it in, so every
    field is present.
    """
    return _stored(table.document, table.name)


def _stored(document: v.Validator, table: str) -> v.Validator:
    match document:
        case v.Object(fields=fields):
            system_fields = {
                "_id": v.Field(validator=v.IdOf(table=table)),
                "_creationTime": v.Field(validator=v.FLOAT64),
            }
            own_fields = {name: v.Field(validator=it.validator) for name, it in fields.items()}
            return v.Object(fields=system_fields | own_fields)
        case v.Union(members=members):
            return v.Union(members=[_stored(member, table) for member in members])
    return document


def _literal(value: bool | int | float | str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value}n"
        case float():
            if not math.isfinite(value):
                return "number"  # TypeScript has no literal for them.
            return str(int(value)) if value.is_integer() else repr(value)
        case str():
            return quoted(value)
