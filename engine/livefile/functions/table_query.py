"""Running a query over one table: ``ctx.db.query(...).order("desc").take(50)``.

Reads are counted as they happen: ``take(10)`` over a million documents reads ten. A filter drops
documents after they were read, so they count, too.

Not here: ranges (``model/index_range.py``), expressions (``model/filter_expression.py``), pages
(``functions/pagination.py``).
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from livefile.functions.conditions import Condition, admitted, with_condition
from livefile.functions.pagination import check_options, keep_journal, page_bounds
from livefile.model.cursor import CursorSeal
from livefile.model.filter_condition import FilterCondition
from livefile.model.filter_expression import Expression
from livefile.model.interval import Interval
from livefile.model.pagination import PaginationOptions, PaginationResult
from livefile.model.table import ModelTable
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.transaction.page import Page
from livefile.transaction.totals import totals
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import (
    DefinitionError,
    IndexRangeError,
    NotUniqueError,
)

Row = TypeVar("Row", covariant=True)

# Documents fetched at a time for a filter, which may drop any number of them.
_FILTERED_ROWS = 64


# Not frozen, because making one would take twice the time, and every read makes one.
@dataclass(slots=True)
class TableQuery(Generic[Row]):
    """A range of an index, read in its order. Made by ``ctx.db.query``; every reading runs it."""

    _transaction: Transaction
    _table: str
    _index: str
    _interval: Interval
    _load: Callable[[Document], Row]
    _begin_page: Callable[[], None]
    _definition: ModelTable | None = None
    _is_descending: bool = False
    _conditions: tuple[Condition[Row], ...] = ()

    def order(self, order: Literal["asc", "desc"]) -> "TableQuery[Row]":
        """Return the same query in index order (the default), or against it."""
        if order not in ("asc", "desc"):
            raise IndexRangeError(f'order({order!r}): want "asc" or "desc"')
        return replace(self, _is_descending=order == "desc")

    def filter(self, condition: Expression | Callable[[Row], bool]) -> "TableQuery[Row]":
        """Return the same query without the documents that do not meet a condition.

        It is an expression, ``field("likes") > 3``, or a function of the document. Every document
        of the range is read, also those that are dropped; a range of an index reads less.

        Raises:
            FilterError: the table has no such field, or there are too many filters.
        """
        conditions = with_condition(self._conditions, condition, self._table, self._definition)
        return replace(self, _conditions=conditions)

    def paginate(self, options: PaginationOptions) -> PaginationResult[Row]:
        """Return one page. Once in a function; the page is live, and keeps its end.

        Raises:
            PaginationError: options that no page has, or a second page in this function.
            InvalidCursorError: a cursor that this query did not make.
        """
        check_options(options)
        self._begin_page()
        source = self._source()
        seal = self._seal(source)
        bounds = page_bounds(options, seal, self._transaction)
        page: Page[Row] = Page(bounds)
        if source is not None:
            page.read(
                self._transaction,
                source,
                self._interval,
                self._admitted,
                is_filtered=bool(self._conditions),
                is_descending=self._is_descending,
            )
        end_cursor = seal.seal(page.end)
        keep_journal(self._transaction, end_cursor)
        return PaginationResult(
            page=page.rows,
            is_done=page.is_done,
            continue_cursor=end_cursor,
            split_cursor=None if page.split is None else seal.seal(page.split),
            page_status=page.status,
        )

    def collect(self) -> list[Row]:
        """Return all documents."""
        if self._conditions or self._transaction.writes:
            return list(self)
        return self.take(sys.maxsize)  # Without generators, because most queries come here.

    def take(self, count: int) -> list[Row]:
        """Return the first ``count`` documents, fewer if there are no more."""
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise IndexRangeError(f"take({count!r}): want a whole number, 0 or more")
        source = self._source()
        if source is None:
            return []
        if self._conditions:
            return self._take_filtered(source, count)
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

    def count(self) -> int:
        """Return how many documents there are. None of them is read, unless there is a filter.

        An index with ``counted=True`` knows the count of every range; of another one, the entries
        are counted one by one.
        """
        if self._conditions:
            return sum(1 for _ in self)
        source = self._source()
        return 0 if source is None else totals(self._transaction, *source, self._interval).count

    def __iter__(self) -> Iterator[Row]:
        """Yield the documents; what was not asked for is not decoded."""
        source = self._source()
        if source is None:
            return
        documents = self._transaction.scan(
            *source, self._interval, is_descending=self._is_descending
        )
        if not self._conditions:
            yield from map(self._load, documents)
            return
        for document in documents:
            row = self._admitted(document)
            if row is not None:
                yield row

    def _take_filtered(self, source: tuple[TableEntry, IndexEntry], count: int) -> list[Row]:
        """Return the first ``count`` documents that meet the conditions; reads up to the last."""
        taken: list[Row] = []

        def is_enough(key: bytes, document: Document) -> bool:
            row = self._admitted(document)
            if row is not None:
                taken.append(row)
            return len(taken) == count

        if count:
            self._transaction.read_until(
                *source,
                self._interval,
                is_enough,
                rows_count=_FILTERED_ROWS,
                is_descending=self._is_descending,
            )
        return taken

    def _admitted(self, document: Document) -> Row | None:
        """Return the row of a document that meets all conditions, None for every other one."""
        return admitted(self._conditions, self._load, document)

    def _seal(self, source: tuple[TableEntry, IndexEntry] | None) -> CursorSeal:
        """Return the seal of this query's cursors.

        A function among its conditions is not part of it: a function has no name to compare. The
        cursor is a position in the range, and that is right with every filter.
        """
        paths = () if source is None else source[1].paths
        return CursorSeal(
            self._transaction.snapshot.cursor_secret(),
            [
                self._table,
                self._index,
                [".".join(path) for path in paths],
                self._interval.start,
                self._interval.end,
                self._is_descending,
                *(
                    condition.form
                    for condition in self._conditions
                    if isinstance(condition, FilterCondition)
                ),
            ],
        )

    def _source(self) -> tuple[TableEntry, IndexEntry] | None:
        """Return the table and the index, None if the table does not exist yet."""
        table = self._transaction.table(self._table)
        if table is None:
            return None
        index = table.indexes.get(self._index)
        if index is None:
            raise DefinitionError(f"Index {self._table}.{self._index} not found.")
        return table, index
