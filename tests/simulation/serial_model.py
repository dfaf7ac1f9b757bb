"""The model that the engine is compared with: tables as dictionaries, one transaction at a time.

It knows nothing of the engine: no keys, no intervals, no snapshots. Rows are compared field by
field and sorted by Python.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from livefile import Value

Fields = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Row:
    """One document."""

    id: str
    creation_time: float
    fields: Fields


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparison of one field with a value."""

    field: str
    operator: Literal["gt", "gte", "lt", "lte"]
    value: Value

    def holds(self, row: Row) -> bool:
        left, right = order(_field(row, self.field)), order(self.value)
        match self.operator:
            case "gt":
                return left > right
            case "gte":
                return left >= right
            case "lt":
                return left < right
            case "lte":
                return left <= right


class NoSuchRowError(Exception):
    """A write to a row that does not exist."""


class SerialModel:
    """The state after some transactions. ``copy`` before changing it."""

    def __init__(self, tables: Mapping[str, Mapping[str, Row]]) -> None:
        self._tables = {name: dict(rows) for name, rows in tables.items()}

    def copy(self) -> "SerialModel":
        return SerialModel(self._tables)

    def rows(self, table: str) -> list[Row]:
        """Return all rows, oldest first."""
        rows = self._tables.get(table, {}).values()
        return sorted(rows, key=lambda row: (row.creation_time, row.id))

    def get(self, table: str, id: str) -> Row | None:
        return self._tables.get(table, {}).get(id)

    def put(self, table: str, row: Row) -> None:
        self._tables.setdefault(table, {})[row.id] = row

    def change(self, table: str, id: str, fields: Fields) -> None:
        before = self._existing(table, id)
        self.put(table, Row(before.id, before.creation_time, {**before.fields, **fields}))

    def replace(self, table: str, id: str, fields: Fields) -> None:
        self.put(table, Row(id, self._existing(table, id).creation_time, fields))

    def delete(self, table: str, id: str) -> None:
        self._existing(table, id)
        del self._tables[table][id]

    def range(
        self, table: str, order_by: Sequence[str], equal: Fields, bounds: Sequence[Bound]
    ) -> list[Row]:
        """Return the rows with these fields and inside of the bounds, in the order of an index."""
        inside = [
            row
            for row in self.rows(table)
            if all(order(_field(row, name)) == order(value) for name, value in equal.items())
            and all(bound.holds(row) for bound in bounds)
        ]
        return sorted(inside, key=lambda row: [order(_field(row, name)) for name in order_by])

    def _existing(self, table: str, id: str) -> Row:
        found = self.get(table, id)
        if found is None:
            raise NoSuchRowError(id)
        return found


def order(value: Value) -> tuple[int, float | bytes]:
    """Return a key by which Python sorts values as the protocol does; for three types only."""
    match value:
        case None:
            return 0, 0.0
        case float():
            return 1, value
        case str():
            return 2, value.encode()
    raise AssertionError(f"the model has no order for {value!r}")


def _field(row: Row, name: str) -> Value:
    return row.creation_time if name == "creation_time" else row.fields[name]
