"""What a query reads, worked out from plain rows: the oracle of precise invalidation.

A read is a region: a range of one table in the order of one index, up to the last row that was
needed; one document; or the absence of a table. A write touches a region if the row before or
after it lies inside. Nothing here knows keys, intervals or the engine's read sets.

Not here: the rows and their values (``serial_model.py``), the random queries
(``precise_queries.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livefile import Value
from tests.simulation.serial_model import Bound, Fields, Row, order

Place = tuple[object, ...]
"""A row's place in the order of an index, for Python to compare."""


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """The change of one row by one commit; a table that came into being is a write, too."""

    table: str
    before: Row | None
    after: Row | None


@dataclass(frozen=True, slots=True)
class DocumentRegion:
    """One document, be it there or not."""

    id: str

    def is_touched_by(self, write: WrittenRow) -> bool:
        """Tell whether a write is to this document."""
        return any(row is not None and row.id == self.id for row in (write.before, write.after))


@dataclass(frozen=True, slots=True)
class AbsentTable:
    """That a table does not exist."""

    table: str

    def is_touched_by(self, write: WrittenRow) -> bool:
        """Tell whether a write is the first one to the table."""
        return write.table == self.table


@dataclass(frozen=True, slots=True)
class RangeRegion:
    """A range of an index; ``last`` is the place of the last row needed, None for all of it."""

    table: str
    order_by: Sequence[str]
    equal: Fields
    bounds: Sequence[Bound]
    is_descending: bool
    last: Place | None

    def is_touched_by(self, write: WrittenRow) -> bool:
        """Tell whether a write is to a row inside, or moves one in or out."""
        rows = (write.before, write.after)
        return write.table == self.table and any(row is not None and self.has(row) for row in rows)

    def has(self, row: Row) -> bool:
        """Tell whether a row is inside."""
        if any(order(row.fields[name]) != order(wanted) for name, wanted in self.equal.items()):
            return False
        if not all(bound.holds(row) for bound in self.bounds):
            return False
        if self.last is None:
            return True
        place = place_of(row, self.order_by)
        return place >= self.last if self.is_descending else place <= self.last


Region = DocumentRegion | AbsentTable | RangeRegion


def place_of(row: Row, order_by: Sequence[str]) -> Place:
    """Return where a row is in the order of an index; every index ends with time and id."""
    return (*(order(row.fields[name]) for name in order_by), row.creation_time, row.id)


class PlainTables:
    """The rows of all tables."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Row]] = {}

    def put(self, table: str, id: str, row: Row | None) -> WrittenRow:
        """Write one row, or remove it."""
        rows = self.tables.setdefault(table, {})
        write = WrittenRow(table, rows.get(id), row)
        if row is None:
            del rows[id]
        else:
            rows[id] = row
        return write

    def get(self, table: str, id: str) -> Row | None:
        """Return one row, None if it is gone or never was."""
        return self.tables.get(table, {}).get(id)

    def read(
        self,
        table: str,
        order_by: Sequence[str],
        equal: Mapping[str, Value],
        bounds: Sequence[Bound],
        limit: int | None,
        *,
        is_descending: bool,
    ) -> tuple[list[Row], Region]:
        """Return the first ``limit`` rows of a range, and the region that had to be looked at."""
        if table not in self.tables:
            return [], AbsentTable(table)
        everything = RangeRegion(table, order_by, equal, bounds, is_descending, None)
        rows = [row for row in self.tables[table].values() if everything.has(row)]
        rows.sort(key=lambda row: place_of(row, order_by), reverse=is_descending)
        if limit is None or len(rows) < limit:
            return rows, everything
        last = place_of(rows[limit - 1], order_by)
        region = RangeRegion(table, order_by, equal, bounds, is_descending, last)
        return rows[:limit], region
