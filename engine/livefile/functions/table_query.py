"""Running a query over one table: ``ctx.db.query(...).order("desc").take(50)``.

Reads are counted as they happen: ``take(10)`` over a million documents reads ten.

Not here: ranges (``model/index_range.py``); pagination and filters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from livefile.model.index_range import BY_ID
from livefile.model.interval import Interval
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import DefinitionError, IndexRangeError, NotUniqueError

Row = TypeVar("Row", covariant=True)


@dataclass(frozen=True, slots=True)
class TableQuery(Generic[Row]):
    """A range of an index, read in its order. Made by ``ctx.db.query``; every reading runs it."""

    _transaction: Transaction
    _table: str
    _index: str
    _interval: Interval
    _load: Callable[[Document], Row]
    _is_descending: bool = False

    def order(self, order: Literal["asc", "desc"]) -> "TableQuery[Row]":
        """Return the same query in index order (the default), or against it."""
        if order not in ("asc", "desc"):
            raise IndexRangeError(f'order({order!r}): want "asc" or "desc"')
        return replace(self, _is_descending=order == "desc")

    def collect(self) -> list[Row]:
        """Return all documents."""
        return list(self)

    def take(self, count: int) -> list[Row]:
        """Return the first ``count`` documents, fewer if there are no more."""
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise IndexRangeError(f"take({count!r}): want a whole number, 0 or more")
        source = self._source()
        if source is None:
            return []
        load = self._load
        documents = self._transaction.take(
            *source, self._interval, count, is_descending=self._is_descending
        )
        return [load(document) for document in documents]

    def first(self) -> Row | None:
        """Return the first document, None if there is none."""
        found = self.take(1)
        return found[0] if found else None

    def unique(self) -> Row | None:
        """Return the only document, None if there is none.

        Raises:
            NotUniqueError: there is a second one.
        """
        found = self.take(2)
        if len(found) > 1:
            raise NotUniqueError(
                f"unique() query returned more than one result from table {self._table}: the "
                f"index {self._index} has a second document in this range"
            )
        return found[0] if found else None

    def __iter__(self) -> Iterator[Row]:
        """Yield the documents; what was not asked for is not decoded."""
        source = self._source()
        if source is None:
            return
        for document in self._transaction.scan(
            *source, self._interval, is_descending=self._is_descending
        ):
            yield self._load(document)

    def _source(self) -> tuple[TableEntry, IndexEntry] | None:
        """Return the table and the index, None if the table does not exist yet."""
        table = self._transaction.table(self._table)
        if table is None:
            return None
        index = table.indexes.get(self._index)
        if index is None:
            raise DefinitionError(f"Index {self._table}.{self._index} not found.")
        assert self._index != BY_ID
        return table, index
