"""Bringing the tables and indexes of a file to the schema that an app declares.

Validators are checked against every stored document first; then indexes are built. It all
happens in one transaction of the writer, so a failure changes nothing.

Not here: what a schema is (``model/schema.py``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import apsw

from livefile.model.index_key import document_key
from livefile.model.index_range import BY_CREATION_TIME, BY_ID
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.schema import Schema
from livefile.model.table import Document, TableDefinition
from livefile.model.validator_json import validator_to_json
from livefile.model.value_packed import pack, unpack
from livefile.model.write import DocumentWrite
from livefile.sqlite import catalog, documents
from livefile.sqlite.catalog import Catalog, TableEntry
from livefile.vocabulary.errors import AppError

_BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """What ``apply`` did: whether anything, and the documents that got a new field's default."""

    is_empty: bool
    writes: Sequence[DocumentWrite]


def apply(connection: apsw.Connection, current: Catalog, schema: Schema) -> SchemaChange:
    """Bring the file to ``schema``.

    Documents that lack a field with a default get it. Tables that the schema no longer declares
    keep their documents, without an index.

    Raises:
        AppError: a stored document does not match its table; the message names it.
    """
    changes_before = connection.total_changes()
    for definition in schema.tables.values():
        if definition.name not in current.tables:
            validator = validator_to_json(definition.validator)
            catalog.create_table(connection, definition.name, validator)
    current = catalog.load(connection)
    writes: list[DocumentWrite] = []
    for definition in schema.tables.values():
        table = current.tables[definition.name]
        validator = validator_to_json(definition.validator)
        if table.validator != validator:
            _check_documents(connection, current, table, definition)
            writes.extend(_fill_in_defaults(connection, table, definition))
            catalog.set_validator(connection, table.number, validator)
    for table in current.tables.values():
        declared = schema.tables.get(table.name)
        if declared is None and table.validator != catalog.ANY_VALIDATOR:
            catalog.set_validator(connection, table.number, catalog.ANY_VALIDATOR)
        _change_indexes(connection, table, {} if declared is None else declared.indexes)
    return SchemaChange(is_empty=connection.total_changes() == changes_before, writes=tuple(writes))


def _check_documents(
    connection: apsw.Connection, current: Catalog, table: TableEntry, definition: TableDefinition
) -> None:
    for _, packed in _all_documents(connection, table):
        document = cast(Document, unpack(packed))
        fields = {name: item for name, item in document.items() if not name.startswith("_")}
        found = definition.validator.mismatch(fields, current.table_name)
        if found is not None:
            raise AppError(
                f'Schema validation failed: document {document["_id"]!s} of table "{table.name}" '
                f"does not match the schema: {found}"
            )


def _fill_in_defaults(
    connection: apsw.Connection, table: TableEntry, definition: TableDefinition
) -> Iterator[DocumentWrite]:
    """Store the default of each field that a document lacks, so that indexes find it there.

    No index has an entry that this moves: one over a new field is built afterwards.
    """
    if not definition.defaults:
        return
    for internal_id, packed in _all_documents(connection, table):
        document = cast(Document, unpack(packed))
        if definition.defaults.keys() <= document.keys():
            continue
        after = pack({**definition.defaults, **document})
        documents.put(connection, table.number, internal_id, after)
        yield DocumentWrite(
            table_number=table.number, internal_id=internal_id, before=packed, after=after
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
            for internal_id, packed in _all_documents(connection, table):
                key = document_key(cast(Document, unpack(packed)), paths, internal_id)
                documents.add_entries(connection, [(index_id, key)])


def _all_documents(connection: apsw.Connection, table: TableEntry) -> Iterator[tuple[bytes, bytes]]:
    """Yield the internal id and the packed image of every document of a table."""
    rest = EVERYTHING
    while True:
        rows = documents.scan_ids(connection, table.number, rest, _BATCH_ROWS, is_descending=False)
        yield from rows
        if len(rows) < _BATCH_ROWS:
            return
        rest = Interval(rows[-1][0] + b"\x00", EVERYTHING.end)
