"""Bringing the tables and indexes of a file to the schema that an app declares.

Validators are checked against every stored document first; then indexes are built. It all
happens in one transaction of the writer, so a failure changes nothing.

Not here: what a schema is (``model/schema.py``).
"""

from collections.abc import Iterator
from typing import cast

import apsw

from livefile.model.index_key import document_key
from livefile.model.index_range import BY_CREATION_TIME, BY_ID
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.schema import Schema
from livefile.model.table import TableDefinition
from livefile.model.value import Value
from livefile.model.value_packed import unpack
from livefile.sqlite import catalog, documents
from livefile.sqlite.catalog import Catalog, TableEntry
from livefile.vocabulary.errors import AppError

_BATCH_ROWS = 500


def apply(connection: apsw.Connection, current: Catalog, schema: Schema) -> bool:
    """Bring the file to ``schema`` and return whether anything changed.

    Tables that the schema no longer declares keep their documents, without an index.

    Raises:
        AppError: a stored document does not match its table; the message names it.
    """
    changes_before = connection.total_changes()
    for definition in schema.tables.values():
        if definition.name not in current.tables:
            catalog.create_table(connection, definition.name, repr(definition.validator))
    current = catalog.load(connection)
    for definition in schema.tables.values():
        table = current.tables[definition.name]
        # Not its notation, which is the same for whole numbers and for all others.
        validator = repr(definition.validator)
        if table.validator != validator:
            _check_documents(connection, current, table, definition)
            catalog.set_validator(connection, table.number, validator)
    for table in current.tables.values():
        declared = schema.tables.get(table.name)
        if declared is None and table.validator != catalog.ANY_VALIDATOR:
            catalog.set_validator(connection, table.number, catalog.ANY_VALIDATOR)
        _change_indexes(connection, table, {} if declared is None else declared.indexes)
    return connection.total_changes() > changes_before


def _check_documents(
    connection: apsw.Connection, current: Catalog, table: TableEntry, definition: TableDefinition
) -> None:
    for _, document in _all_documents(connection, table):
        fields = {name: item for name, item in document.items() if not name.startswith("_")}
        found = definition.validator.mismatch(fields, current.table_name)
        if found is not None:
            raise AppError(
                f'Schema validation failed: document {document["_id"]!s} of table "{table.name}" '
                f"does not match the schema: {found}"
            )


def _change_indexes(
    connection: apsw.Connection, table: TableEntry, declared: dict[str, tuple[str, ...]]
) -> None:
    wanted = {name: tuple(tuple(f.split(".")) for f in fields) for name, fields in declared.items()}
    for name, index in table.indexes.items():
        if name not in (BY_ID, BY_CREATION_TIME) and wanted.get(name) != index.paths:
            catalog.drop_index(connection, index.id)
    for name, paths in wanted.items():
        existing = table.indexes.get(name)
        if existing is None or existing.paths != paths:
            index_id = catalog.create_index(connection, table.number, name, declared[name])
            for internal_id, document in _all_documents(connection, table):
                key = document_key(document, paths, internal_id)
                documents.add_entries(connection, [(index_id, key)])


def _all_documents(
    connection: apsw.Connection, table: TableEntry
) -> Iterator[tuple[bytes, dict[str, Value]]]:
    rest = EVERYTHING
    while True:
        rows = documents.scan_ids(connection, table.number, rest, _BATCH_ROWS, is_descending=False)
        for internal_id, packed in rows:
            yield internal_id, cast(dict[str, Value], unpack(packed))
        if len(rows) < _BATCH_ROWS:
            return
        rest = Interval(rows[-1][0] + b"\x00", EVERYTHING.end)
