"""Which tables and indexes a file has, and under which numbers.

The catalog in memory is immutable; a change writes the file and gives a new catalog.

Not here: what a table's documents look like (``model/table.py``); how an index gets from one
state to the next (``sqlite/schema_change.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import cast

import apsw
import orjson

from livefile.model.index_range import BY_CREATION_TIME, BY_ID
from livefile.model.table import Document
from livefile.model.value_packed import pack, unpack
from livefile.vocabulary.errors import DefinitionError
from livefile.vocabulary.limits import SYSTEM_TABLE_NUMBER_MAX, TABLES_MAX


class IndexState(Enum):
    """What an index is good for."""

    READY = "ready"
    """It has an entry for every document, and queries read it."""

    BUILDING = "building"
    """Writes keep it up to date and nobody reads it: entries of older documents are missing."""

    DROPPING = "dropping"
    """Nobody writes or reads it: its entries are being removed."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One index: its number, its fields as paths, and what stands for fields that are missing."""

    id: int
    name: str
    paths: tuple[tuple[str, ...], ...]
    missing: Document = field(default_factory=dict, hash=False)

    def complete(self, document: Document) -> Document:
        """Return the document that its key is made from: with the defaults of what it lacks."""
        return {**self.missing, **document} if self.missing else document


@dataclass(frozen=True)
class TableEntry:
    """One table. ``by_id`` has no entries of its own: documents are stored in its order.

    ``building`` are indexes that writes keep up to date and that queries do not see yet;
    ``defaults`` are values that documents without these fields are still to get.
    """

    number: int
    name: str
    validator: str
    indexes: Mapping[str, IndexEntry]
    building: Sequence[IndexEntry] = ()
    defaults: Document = field(default_factory=dict)

    @cached_property
    def by_id(self) -> int:
        """The number under which reads and writes of whole documents are tracked."""
        return self.indexes[BY_ID].id

    @cached_property
    def stored_indexes(self) -> Sequence[IndexEntry]:
        """The indexes that have entries in the file, those that are being built included."""
        ready = [index for name, index in self.indexes.items() if name != BY_ID]
        return [*ready, *self.building]


@dataclass(frozen=True)
class Catalog:
    """All tables, by name and by number."""

    tables: Mapping[str, TableEntry]

    @cached_property
    def by_number(self) -> Mapping[int, TableEntry]:
        """The same tables by their number."""
        return {table.number: table for table in self.tables.values()}

    def table_name(self, number: int) -> str | None:
        """Return the name of a table, None if there is none of this number."""
        table = self.by_number.get(number)
        return None if table is None else table.name


def load(connection: apsw.Connection) -> Catalog:
    """Read the catalog."""
    ready: dict[int, dict[str, IndexEntry]] = {}
    building: dict[int, list[IndexEntry]] = {}
    sql = "SELECT id, table_number, name, fields, missing, state FROM indexes ORDER BY id"
    for id, table_number, name, fields, missing, state in connection.execute(sql):
        index = IndexEntry(
            id=id,
            name=name,
            paths=tuple(tuple(path.split(".")) for path in orjson.loads(fields)),
            missing=_document(missing),
        )
        match IndexState(state):
            case IndexState.READY:
                ready.setdefault(table_number, {})[name] = index
            case IndexState.BUILDING:
                building.setdefault(table_number, []).append(index)
            case IndexState.DROPPING:
                pass
    tables = {}
    for number, name, validator, defaults in connection.execute(
        "SELECT number, name, validator, defaults FROM tables ORDER BY number"
    ):
        tables[name] = TableEntry(
            number=number,
            name=name,
            validator=validator,
            indexes=ready[number],
            building=tuple(building.get(number, ())),
            defaults=_document(defaults),
        )
    return Catalog(tables=tables)


def create_table(connection: apsw.Connection, name: str, validator: str) -> int:
    """Add an empty table with the two indexes that every table has; return its number."""
    count, last = connection.execute("SELECT count(*), max(number) FROM tables").get
    if count >= TABLES_MAX:
        raise DefinitionError(f"Number of tables cannot exceed {TABLES_MAX}.")
    number = (last or SYSTEM_TABLE_NUMBER_MAX) + 1
    connection.execute(
        "INSERT INTO tables (number, name, validator) VALUES (?, ?, ?)", (number, name, validator)
    )
    create_index(connection, number, BY_ID, ())
    create_index(connection, number, BY_CREATION_TIME, ())
    return int(number)


def create_index(
    connection: apsw.Connection,
    table_number: int,
    name: str,
    fields: Sequence[str],
    *,
    missing: Document | None = None,
    state: IndexState = IndexState.READY,
) -> int:
    """Add an index without entries and return its number."""
    connection.execute(
        "INSERT INTO indexes (id, table_number, name, fields, missing, state) "
        "VALUES ((SELECT coalesce(max(id), 0) + 1 FROM indexes), ?, ?, ?, ?, ?)",
        (
            table_number,
            name,
            orjson.dumps(fields).decode(),
            pack(missing) if missing else None,
            state.value,
        ),
    )
    return connection.last_insert_rowid()


def set_index_state(connection: apsw.Connection, index_id: int, state: IndexState) -> None:
    """Move an index to another state."""
    connection.execute("UPDATE indexes SET state = ? WHERE id = ?", (state.value, index_id))


def set_validator(connection: apsw.Connection, table_number: int, validator: str) -> None:
    """Record what the documents of a table were checked against."""
    connection.execute(
        "UPDATE tables SET validator = ? WHERE number = ?", (validator, table_number)
    )


def set_defaults(connection: apsw.Connection, table_number: int, defaults: Document) -> None:
    """Record what documents of a table are still to get; nothing once all of them have it."""
    packed = pack(defaults) if defaults else None
    connection.execute("UPDATE tables SET defaults = ? WHERE number = ?", (packed, table_number))


def _document(packed: bytes | None) -> Document:
    return {} if packed is None else cast(Document, unpack(packed))
