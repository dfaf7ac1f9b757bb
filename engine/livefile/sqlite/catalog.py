"""Which tables and indexes a file has, and under which numbers.

The catalog in memory is immutable; a change writes the file and gives a new catalog.

Not here: what a table's documents look like (``model/table.py``); how an index gets from one
state to the next (``sqlite/schema_change.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from enum import Enum
from functools import cached_property, lru_cache, partial
from typing import cast

import apsw
import orjson

from livefile.model.index_range import BY_CREATION_TIME, BY_ID
from livefile.model.index_spec import IndexKind, IndexSpec, Summary
from livefile.model.table_definition import Document
from livefile.model.value_packed import pack, unpack
from livefile.sqlite.search_index import search_index
from livefile.sqlite.summaries import SummarizedIndex
from livefile.vocabulary.errors import DefinitionError
from livefile.vocabulary.limits import SYSTEM_TABLE_NUMBER_MAX, TABLES_MAX

# A catalog is read at every change of the schema, and most of its specs were read before.
_SPECS_KEPT_MAX = 1_000


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
    """One index: its number, its fields as paths, and what stands for fields that are missing.

    ``paths`` are those of ``spec.fields``.
    """

    id: int
    name: str
    paths: tuple[tuple[str, ...], ...]
    missing: Document = field(default_factory=dict, hash=False)
    spec: IndexSpec = field(default_factory=partial(IndexSpec, ()))

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
        """The ordered indexes that have entries, those that are being built included."""
        return [index for index in self._all if index.spec.kind is IndexKind.ORDERED]

    @cached_property
    def search_indexes(self) -> Sequence[IndexEntry]:
        """The indexes of the other kinds, those that are being built included."""
        return [index for index in self._all if index.spec.kind is not IndexKind.ORDERED]

    @cached_property
    def summarized_indexes(self) -> Sequence[IndexEntry]:
        """The indexes that have a summary, those that are being built included."""
        return [index for index in self._all if index.spec.summary is not Summary.NONE]

    @property
    def _all(self) -> Sequence[IndexEntry]:
        return [*(item for name, item in self.indexes.items() if name != BY_ID), *self.building]

    @property
    def is_system(self) -> bool:
        """Whether Livefile itself keeps the table, and apps only read it."""
        return self.name.startswith("_")


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
    sql = "SELECT id, table_number, name, spec, missing, state FROM indexes ORDER BY id"
    for id, table_number, name, spec, missing, state in connection.execute(sql):
        index = _index_entry(id, name, spec, missing)
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
    number = max(last or 0, SYSTEM_TABLE_NUMBER_MAX) + 1
    connection.execute(
        "INSERT INTO tables (number, name, validator) VALUES (?, ?, ?)", (number, name, validator)
    )
    create_own_indexes(connection, number)
    return int(number)


def create_own_indexes(connection: apsw.Connection, table_number: int) -> None:
    """Add the two indexes that every table has."""
    create_index(connection, table_number, BY_ID, IndexSpec(()))
    create_index(connection, table_number, BY_CREATION_TIME, IndexSpec(()))


def create_index(
    connection: apsw.Connection,
    table_number: int,
    name: str,
    spec: IndexSpec,
    *,
    missing: Document | None = None,
    state: IndexState = IndexState.READY,
) -> int:
    """Add an index without entries and return its number."""
    connection.execute(
        "INSERT INTO indexes (id, table_number, name, spec, missing, state) "
        "VALUES ((SELECT coalesce(max(id), 0) + 1 FROM indexes), ?, ?, ?, ?, ?)",
        (
            table_number,
            name,
            _spec_to_json(spec),
            pack(missing) if missing else None,
            state.value,
        ),
    )
    index_id = connection.last_insert_rowid()
    if spec.summary is not Summary.NONE:
        summarized(connection, index_id, spec).create()
    if spec.kind is not IndexKind.ORDERED:
        search_index(spec.kind).create(connection, index_id, spec)
    return index_id


def summarized(connection: apsw.Connection, index_id: int, spec: IndexSpec) -> SummarizedIndex:
    """Return the summary of an index."""
    return SummarizedIndex(connection, index_id, spec.summary, len(spec.fields))


def index_kind(connection: apsw.Connection, index_id: int) -> IndexKind:
    """Return the kind of an index, of whatever state."""
    return _spec_from_json(
        connection.execute("SELECT spec FROM indexes WHERE id = ?", (index_id,)).get
    ).kind


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


def _index_entry(id: int, name: str, spec: str, missing: bytes | None) -> IndexEntry:
    loaded = _spec_from_json(spec)
    return IndexEntry(
        id=id,
        name=name,
        paths=tuple(tuple(path.split(".")) for path in loaded.fields),
        missing=_document(missing),
        spec=loaded,
    )


def _spec_to_json(spec: IndexSpec) -> str:
    """Return a spec as the file keeps it; what is as usual is left out."""
    usual = IndexSpec(())
    fields = ((item.name, getattr(spec, item.name)) for item in dataclass_fields(spec))
    kept = {name: item for name, item in fields if item != getattr(usual, name)}
    return orjson.dumps({"fields": spec.fields, **kept}).decode()


@lru_cache(_SPECS_KEPT_MAX)
def _spec_from_json(json: str) -> IndexSpec:
    stored = orjson.loads(json)
    return IndexSpec(
        fields=tuple(stored["fields"]),
        kind=IndexKind(stored.get("kind", IndexKind.ORDERED.value)),
        filters=tuple(stored.get("filters", ())),
        dimensions=stored.get("dimensions", 0),
        summary=Summary(stored.get("summary", Summary.NONE.value)),
    )


def _document(packed: bytes | None) -> Document:
    return {} if packed is None else cast(Document, unpack(packed))
