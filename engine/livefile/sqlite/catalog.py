"""Which tables and indexes a file has, and under which numbers.

The catalog in memory is immutable; a change writes the file and gives a new catalog.

Not here: what a table's documents look like (``model/table.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import apsw
import orjson

from livefile.model.index_range import BY_CREATION_TIME, BY_ID
from livefile.model.validator import ANY
from livefile.model.validator_json import validator_to_json
from livefile.vocabulary.errors import DefinitionError
from livefile.vocabulary.limits import SYSTEM_TABLE_NUMBER_MAX, TABLES_MAX

ANY_VALIDATOR = validator_to_json(ANY)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One index: its number, and its fields as paths."""

    id: int
    name: str
    paths: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class TableEntry:
    """One table. ``by_id`` has no entries of its own: documents are stored in its order."""

    number: int
    name: str
    validator: str
    indexes: Mapping[str, IndexEntry]

    @cached_property
    def by_id(self) -> int:
        """The number under which reads and writes of whole documents are tracked."""
        return self.indexes[BY_ID].id

    @cached_property
    def stored_indexes(self) -> Sequence[IndexEntry]:
        """The indexes that have entries in the file."""
        return [index for name, index in self.indexes.items() if name != BY_ID]


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
    indexes: dict[int, dict[str, IndexEntry]] = {}
    sql = "SELECT id, table_number, name, fields FROM indexes ORDER BY id"
    for id, table_number, name, fields in connection.execute(sql):
        paths = tuple(tuple(path.split(".")) for path in orjson.loads(fields))
        indexes.setdefault(table_number, {})[name] = IndexEntry(id=id, name=name, paths=paths)
    tables = {}
    for number, name, validator in connection.execute(
        "SELECT number, name, validator FROM tables ORDER BY number"
    ):
        tables[name] = TableEntry(
            number=number, name=name, validator=validator, indexes=indexes[number]
        )
    return Catalog(tables=tables)


def create_table(connection: apsw.Connection, name: str, validator: str) -> None:
    """Add an empty table with the two indexes that every table has."""
    count, last = connection.execute("SELECT count(*), max(number) FROM tables").get
    if count >= TABLES_MAX:
        raise DefinitionError(f"Number of tables cannot exceed {TABLES_MAX}.")
    number = (last or SYSTEM_TABLE_NUMBER_MAX) + 1
    connection.execute(
        "INSERT INTO tables (number, name, validator) VALUES (?, ?, ?)", (number, name, validator)
    )
    create_index(connection, number, BY_ID, ())
    create_index(connection, number, BY_CREATION_TIME, ())


def create_index(
    connection: apsw.Connection, table_number: int, name: str, fields: Sequence[str]
) -> int:
    """Add an index without entries and return its number."""
    connection.execute(
        "INSERT INTO indexes (id, table_number, name, fields) "
        "VALUES ((SELECT coalesce(max(id), 0) + 1 FROM indexes), ?, ?, ?)",
        (table_number, name, orjson.dumps(fields).decode()),
    )
    return connection.last_insert_rowid()


def drop_index(connection: apsw.Connection, index_id: int) -> None:
    """Remove an index and its entries."""
    connection.execute("DELETE FROM index_entries WHERE index_id = ?", (index_id,))
    connection.execute("DELETE FROM indexes WHERE id = ?", (index_id,))


def set_validator(connection: apsw.Connection, table_number: int, validator: str) -> None:
    """Record what the documents of a table were checked against."""
    connection.execute(
        "UPDATE tables SET validator = ? WHERE number = ?", (validator, table_number)
    )
