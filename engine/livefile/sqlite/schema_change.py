"""The steps of a deploy in SQL: indexes that are prepared, filled and removed, and the switch.

Every step is small or comes in batches, and each leaves a file that the old code can go on with.

Not here: the order of the steps (``functions/deploy.py``); what is to be done
(``model/schema_diff.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import apsw

from livefile.model.index_range import BY_CREATION_TIME, BY_ID
from livefile.model.index_spec import IndexKind, Summary
from livefile.model.schema import Schema
from livefile.model.schema_diff import SchemaDiff, StoredTable
from livefile.model.validator_json import validator_to_json
from livefile.sqlite import catalog
from livefile.sqlite.catalog import Catalog, IndexEntry, IndexState
from livefile.sqlite.search_index import search_index

_WALK = """
SELECT internal_id, document FROM documents
WHERE table_number = ? AND internal_id > ? ORDER BY internal_id
"""
_ADD_ENTRY = "INSERT OR IGNORE INTO index_entries (index_id, key) VALUES (?, ?)"
_LAST_OF_BATCH = """
SELECT key FROM index_entries WHERE index_id = ? ORDER BY key LIMIT 1 OFFSET ?
"""
_REMOVE_UP_TO = "DELETE FROM index_entries WHERE index_id = ? AND key <= ?"
_REMOVE_ALL = "DELETE FROM index_entries WHERE index_id = ?"
_REMOVE_SUMMARY = "DELETE FROM summaries WHERE index_id = ?"
_REMOVE_INDEX = "DELETE FROM indexes WHERE id = ?"
_OF_STATE = "SELECT id FROM indexes WHERE state = ? ORDER BY id"


def stored_tables(current: Catalog) -> Mapping[str, StoredTable]:
    """Return the tables of a file as a diff compares them."""
    return {
        table.name: StoredTable(
            validator=table.validator,
            indexes={
                name: index.spec
                for name, index in table.indexes.items()
                if name not in (BY_ID, BY_CREATION_TIME)
            },
        )
        for table in current.tables.values()
        if not table.is_system
    }


def prepare(connection: apsw.Connection, current: Catalog, diff: SchemaDiff) -> None:
    """Add the new indexes: from now on writes keep them up to date, and nobody reads them.

    What an earlier deploy left half-built is dropped.
    """
    withdraw(connection)
    for new in diff.new_indexes:
        catalog.create_index(
            connection,
            current.tables[new.table].number,
            new.name,
            new.spec,
            missing=new.missing,
            state=IndexState.BUILDING,
        )


def withdraw(connection: apsw.Connection) -> None:
    """Drop every index that is being built."""
    for index_id in _ids_of(connection, IndexState.BUILDING):
        catalog.set_index_state(connection, index_id, IndexState.DROPPING)


def switch(connection: apsw.Connection, current: Catalog, schema: Schema, diff: SchemaDiff) -> None:
    """Let the file have the new schema: tables, validators, and the indexes that were built."""
    for table_name, index_name in diff.dropped_indexes:
        index_id = current.tables[table_name].indexes[index_name].id
        catalog.set_index_state(connection, index_id, IndexState.DROPPING)
    for index_id in _ids_of(connection, IndexState.BUILDING):
        catalog.set_index_state(connection, index_id, IndexState.READY)
    for name, validator in diff.validators.items():
        catalog.set_validator(connection, current.tables[name].number, validator)
    for name, defaults in diff.defaults.items():
        catalog.set_defaults(connection, current.tables[name].number, defaults)
    for name in diff.new_tables:
        definition = schema.tables[name]
        number = catalog.create_table(connection, name, validator_to_json(definition.validator))
        for index_name, spec in definition.specs.items():
            catalog.create_index(connection, number, index_name, spec)


def walk_documents(
    connection: apsw.Connection, table_number: int, after_id: bytes
) -> Iterator[tuple[bytes, bytes]]:
    """Yield (internal id, packed document) of a table in the order of the ids.

    Read one by one: whoever stops early reads no more. Nothing may be written to documents
    before the end or ``close``.
    """
    with closing(connection.cursor()) as cursor:
        yield from cursor.execute(_WALK, (table_number, after_id))


def add_entries(connection: apsw.Connection, index: IndexEntry, keys: Sequence[bytes]) -> None:
    """Add entries to an index that is being built; some may be there from a live write.

    In the order of the keys, so that neighbours share a page.
    """
    if index.spec.summary is Summary.NONE:
        connection.executemany(_ADD_ENTRY, [(index.id, key) for key in sorted(keys)])
        return
    added = []
    for key in sorted(keys):
        connection.execute(_ADD_ENTRY, (index.id, key))
        if connection.changes():
            added.append(key)
    catalog.summarized(connection, index.id, index.spec).add(added)


def indexes_to_remove(connection: apsw.Connection) -> list[int]:
    """Return the numbers of the indexes whose entries are to be removed."""
    return _ids_of(connection, IndexState.DROPPING)


def remove_entries(connection: apsw.Connection, index_id: int, entries_max: int) -> bool:
    """Remove some entries of a dropped index, and the index with the last of them.

    Returns:
        Whether there are more.
    """
    kind = catalog.index_kind(connection, index_id)
    if kind is not IndexKind.ORDERED:
        if search_index(kind).remove_some(connection, index_id, entries_max):
            return True
        connection.execute(_REMOVE_INDEX, (index_id,))
        return False
    last = connection.execute(_LAST_OF_BATCH, (index_id, entries_max - 1)).get
    if last is not None:
        connection.execute(_REMOVE_UP_TO, (index_id, last))
        return True
    connection.execute(_REMOVE_ALL, (index_id,))
    connection.execute(_REMOVE_SUMMARY, (index_id,))
    connection.execute(_REMOVE_INDEX, (index_id,))
    return False


def _ids_of(connection: apsw.Connection, state: IndexState) -> list[int]:
    return [index_id for (index_id,) in connection.execute(_OF_STATE, (state.value,))]
