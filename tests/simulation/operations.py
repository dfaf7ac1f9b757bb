"""The steps of a random program, each on the engine and on the model.

``on_engine`` and ``on_model`` give results that can be compared: rows, ids, or the name of what
was raised.

Not here: how the steps are chosen (``programs.py``); transactions (``history.py``).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from livefile import (
    DocumentNotFoundError,
    InvalidDocumentIdError,
    NotUniqueError,
    Table,
    Value,
)
from livefile.functions.database import DatabaseWriter
from livefile.functions.table_query import TableQuery
from livefile.functions.untyped_table import TableWriter
from livefile.model.index_range import IndexRange
from tests.simulation.serial_model import Bound, Fields, NoSuchRowError, Row, SerialModel
from tests.tables import Game, Player

MODELS: dict[str, type[Table]] = {"players": Player, "games": Game}
"""The tables with a schema; every other one is used without."""

Result = Row | str | Sequence[Row] | None


class Operation(Protocol):
    """One step."""

    def on_engine(self, db: DatabaseWriter) -> Result:
        """Take the step inside a transaction."""

    def on_model(self, model: SerialModel, result: Result) -> Result:
        """Take the step in the model; ``result`` is what the engine gave."""


@dataclass(frozen=True, slots=True)
class Insert:
    """Add a document. Its id and creation time are the engine's choice."""

    table: str
    fields: Fields

    def on_engine(self, db: DatabaseWriter) -> Result:
        if self.table in MODELS:
            model = MODELS[self.table]
            return row_of(cast(Table, db.get(db.insert(model(**self.fields)))))
        table = db.table(self.table)
        return row_of(cast(dict[str, Value], table.get(table.insert(self.fields))))

    def on_model(self, model: SerialModel, result: Result) -> Result:
        assert isinstance(result, Row)
        assert model.get(self.table, result.id) is None
        row = Row(result.id, result.creation_time, self.fields)
        model.put(self.table, row)
        return row


@dataclass(frozen=True, slots=True)
class Get:
    """Read one document by its id."""

    table: str
    id: str

    def on_engine(self, db: DatabaseWriter) -> Result:
        try:
            document = _typed_or_untyped(db, self.table).get(cast(Any, self.id))
        except InvalidDocumentIdError:
            return None  # The table does not exist in this transaction.
        return None if document is None else row_of(document)

    def on_model(self, model: SerialModel, result: Result) -> Result:
        return model.get(self.table, self.id)


@dataclass(frozen=True, slots=True)
class Change:
    """Patch, replace or delete one document."""

    verb: Literal["patch", "replace", "delete"]
    table: str
    id: str
    fields: Fields

    def on_engine(self, db: DatabaseWriter) -> Result:
        # Any: which type the id has, is known at run time only.
        target: Any = _typed_or_untyped(db, self.table)
        is_typed = self.table in MODELS
        try:
            match self.verb:
                case "patch" if is_typed:
                    target.patch(self.id, **self.fields)
                case "patch":
                    target.patch(self.id, self.fields)
                case "replace" if is_typed:
                    target.replace(self.id, MODELS[self.table](**self.fields))
                case "replace":
                    target.replace(self.id, self.fields)
                case "delete":
                    target.delete(self.id)
        except (DocumentNotFoundError, InvalidDocumentIdError):
            return "not found"
        return None

    def on_model(self, model: SerialModel, result: Result) -> Result:
        try:
            match self.verb:
                case "patch":
                    model.change(self.table, self.id, self.fields)
                case "replace":
                    model.replace(self.table, self.id, self.fields)
                case "delete":
                    model.delete(self.table, self.id)
        except NoSuchRowError:
            return "not found"
        return None


@dataclass(frozen=True, slots=True)
class ReadRange:
    """Read a range of an index. ``order_by`` are its fields; ``index`` is empty for a table."""

    table: str
    index: str
    order_by: Sequence[str]
    equal: Fields
    bounds: Sequence[Bound]
    is_descending: bool
    reading: Literal["collect", "take", "first", "unique"]
    count: int

    def on_engine(self, db: DatabaseWriter) -> Result:
        query = self._query(db).order("desc" if self.is_descending else "asc")
        match self.reading:
            case "collect":
                return rows_of(query.collect())
            case "take":
                return rows_of(query.take(self.count))
            case "first":
                return rows_of(row for row in [query.first()] if row is not None)
            case "unique":
                try:
                    return rows_of(row for row in [query.unique()] if row is not None)
                except NotUniqueError:
                    return "not unique"

    def on_model(self, model: SerialModel, result: Result) -> Result:
        rows = model.range(self.table, self.order_by, self.equal, self.bounds)
        if self.is_descending:
            rows.reverse()
        match self.reading:
            case "collect":
                return rows
            case "take":
                return rows[: self.count]
            case "first":
                return rows[:1]
            case "unique":
                return "not unique" if len(rows) > 1 else rows

    def _query(self, db: DatabaseWriter) -> TableQuery[Any]:
        if self.table not in MODELS:
            return db.table(self.table).query()
        if not self.index:
            return db.query(MODELS[self.table])
        wanted: IndexRange[Any] = getattr(MODELS[self.table], self.index).eq(**self.equal)
        for bound in self.bounds:
            compare: Callable[..., IndexRange[Any]] = getattr(wanted, bound.operator)
            wanted = compare(**{bound.field: bound.value})
        return db.query(wanted)


def row_of(document: Table | dict[str, Value]) -> Row:
    stored = document.stored_document if isinstance(document, Table) else document
    fields = {name: item for name, item in stored.items() if not name.startswith("_")}
    return Row(cast(str, stored["_id"]), cast(float, stored["_creationTime"]), fields)


def rows_of(documents: Iterable[Any]) -> list[Row]:
    return [row_of(document) for document in documents]


def _typed_or_untyped(db: DatabaseWriter, table: str) -> DatabaseWriter | TableWriter:
    return db if table in MODELS else db.table(table)
