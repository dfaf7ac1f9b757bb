"""``ctx.db`` of pushed code: reading and writing single documents of one component.

Not here: queries (``query_reads.py``); what a transaction does with a write.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from livefile.functions.untyped_table import normalized_id
from livefile.javascript.pushed_code import table_prefix
from livefile.javascript.references import component_of
from livefile.model.document_id import decode_document_id
from livefile.model.names import check_table_name
from livefile.model.schema import Schema
from livefile.model.value import check_value, is_surely_small
from livefile.model.value_json import from_wire, to_json
from livefile.sqlite.catalog import TableEntry
from livefile.sqlite.system_tables import READABLE_TABLES
from livefile.system import scheduled_functions
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import (
    DefinitionError,
    DocumentValidationError,
    InvalidDocumentIdError,
)

_SYSTEM_FIELDS = ("_id", "_creationTime")
_UNDEFINED = {"$undefined": None}
_NULL = "null"

# Any: JSON.
Args = Mapping[str, Any]


class DocumentCalls:
    """The documents of one component within one transaction."""

    def __init__(self, transaction: Transaction, schema: Schema, component: str) -> None:
        self._transaction = transaction
        self._schema = schema
        self._component = component
        self._prefix = table_prefix(component)

    def physical(self, table: str) -> str:
        """Return what a table of the component is called in the file.

        Raises:
            DefinitionError: no table can have this name.
        """
        if table in READABLE_TABLES:
            return table
        check_table_name(table)
        return self._prefix + table

    def owns_job(self, document: Document) -> bool:
        """Return whether a scheduled function is one of the component."""
        return component_of(str(document["name"])) == self._component

    def get(self, args: Args) -> str:
        """Return a document, ``null`` if there is none."""
        id = args["id"]
        entry = self._table_of(id, args.get("table"))
        if entry is None:
            return _NULL
        if entry.is_system and not args["isSystem"]:
            raise InvalidDocumentIdError("System tables can only be accessed with db.system.")
        if args["isSystem"] and not entry.is_system:
            raise InvalidDocumentIdError(
                f'ID "{id}" is of table {entry.name}; user tables can only be accessed with db.'
            )
        document = self._transaction.get(id)
        is_job = entry.name == scheduled_functions.TABLE
        if document is None or (is_job and not self.owns_job(document)):
            return _NULL
        return to_json(document).decode()

    def normalize_id(self, args: Args) -> str:
        """Return an id if it is one of the table, ``null`` for everything else."""
        found = normalized_id(self._transaction, self.physical(args["table"]), args["idString"])
        return orjson.dumps({"id": found}).decode()

    def insert(self, args: Args) -> str:
        """Add a document and return its id."""
        table = args["table"]
        fields = _fields(from_wire(args["value"]))
        check_table_name(table)
        name = self._prefix + table
        self._check(name, fields)
        id = self._transaction.insert(name, self._with_defaults(name, fields))
        return orjson.dumps({"_id": id}).decode()

    def patch(self, args: Args) -> str:
        """Set some fields of a document and remove those that are undefined."""
        id, tree = args["id"], args["value"]
        name = self._writable(id, args.get("table"))
        undefined = {field for field, item in tree.items() if item == _UNDEFINED}
        kept = {field: item for field, item in tree.items() if field not in undefined}
        removed = frozenset(undefined.difference(_SYSTEM_FIELDS))
        fields = _fields(from_wire(kept))
        current = self._transaction.get(id)
        if current is not None:  # Checked first: a function may catch the error and go on.
            merged = {
                field: it for field, it in {**current, **fields}.items() if field not in removed
            }
            self._check(name, _without_system_fields(merged))
        self._transaction.patch(id, fields, removed)
        return _NULL

    def replace(self, args: Args) -> str:
        """Give a document other fields; its id and creation time stay."""
        name = self._writable(args["id"], args.get("table"))
        fields = _fields(from_wire(args["value"]))
        self._check(name, fields)
        self._transaction.replace(args["id"], self._with_defaults(name, fields))
        return _NULL

    def remove(self, args: Args) -> str:
        """Remove a document."""
        self._writable(args["id"], args.get("table"))
        self._transaction.delete(args["id"])
        return _NULL

    def _table_of(self, id: object, wanted: str | None) -> TableEntry | None:
        """Return the table that an id is of, None if the component has no such table."""
        if not isinstance(id, str):
            raise InvalidDocumentIdError(f"want the id of a document, got {id!r:.100}")
        table_number, _ = decode_document_id(id)
        entry = self._transaction.catalog.by_number.get(table_number)
        if entry is None or not self._is_own(entry):
            return None
        if wanted is not None and entry.name != self.physical(wanted):
            raise InvalidDocumentIdError(
                f'expected to be an Id<"{wanted}">, got '
                f'Id<"{entry.name.removeprefix(self._prefix)}"> instead.'
            )
        return entry

    def _is_own(self, entry: TableEntry) -> bool:
        if entry.is_system:
            return entry.name in READABLE_TABLES
        return entry.name.startswith(self._prefix) and "/" not in entry.name[len(self._prefix) :]

    def _writable(self, id: object, wanted: str | None) -> str:
        """Return the name of the table of a document that is to be written."""
        entry = self._table_of(id, wanted)
        if entry is None:
            raise InvalidDocumentIdError(f'ID "{id}" is of no table of this component')
        if entry.is_system:
            raise InvalidDocumentIdError(
                f"{entry.name}: system tables are read only; they can only be accessed with "
                "db.system."
            )
        return entry.name

    def _check(self, name: str, fields: Document) -> None:
        definition = self._schema.tables.get(name)
        if definition is None:
            return
        found = definition.validator.mismatch(fields, self._transaction.catalog.table_name)
        if found is not None:
            raise DocumentValidationError(
                "Failed to insert or update a document in table "
                f'"{name.removeprefix(self._prefix)}" because it does not match the schema: {found}'
            )

    def _with_defaults(self, name: str, fields: Document) -> Document:
        """Return fields with those that a table in Python has defaults for."""
        definition = self._schema.tables.get(name)
        return fields if definition is None else {**definition.defaults, **fields}


def _fields(value: Any) -> Document:
    """Return a document's own fields."""
    if not isinstance(value, dict):
        raise DefinitionError(f"a document is an object, got {value!r:.100}")
    fields = _without_system_fields(value)
    if not is_surely_small(fields):
        check_value(fields)
    return fields


def _without_system_fields(document: Document) -> Document:
    return {name: item for name, item in document.items() if name not in _SYSTEM_FIELDS}
