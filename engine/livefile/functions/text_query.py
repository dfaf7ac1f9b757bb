"""Running a search: ``ctx.db.query(Message.search_body.search("hello wor")).take(10)``.

Results come best first, and are read as they are asked for. A page ends at a document: the next
one begins after it, wherever it stands by then.

Not here: which documents are found, and in which order (``transaction/text_search.py``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Generic, TypeVar

from livefile.functions.conditions import Condition, admitted, with_condition
from livefile.functions.pagination import check_options, keep_journal, page_bounds
from livefile.model.cursor import END_OF_QUERY, CursorPosition, CursorSeal
from livefile.model.filter_condition import FilterCondition
from livefile.model.filter_expression import Expression
from livefile.model.index_key import key_internal_id
from livefile.model.pagination import PaginationOptions, PaginationResult
from livefile.model.table import ModelTable
from livefile.model.table_definition import Document
from livefile.model.text_search import TextSearch
from livefile.transaction.text_search import Found, TextSearchRun
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import (
    DefinitionError,
    IndexRangeError,
    NotUniqueError,
    SearchError,
)

Row = TypeVar("Row", covariant=True)


@dataclass(slots=True)
class TextQuery(Generic[Row]):
    """A search, its results in their order. Made by ``ctx.db.query``; every reading runs it."""

    _transaction: Transaction
    _search: TextSearch[Row]
    _definition: ModelTable | None
    _load: Callable[[Document], Row]
    _begin_page: Callable[[], None]
    _conditions: tuple[Condition[Row], ...] = ()

    def filter(self, condition: Expression | Callable[[Row], bool]) -> "TextQuery[Row]":
        """Return the same search without the documents that do not meet a condition.

        They are found and read all the same; ``eq`` of the search finds fewer.

        Raises:
            FilterError: the table has no such field, or there are too many filters.
        """
        name = self._search.source.table
        conditions = with_condition(self._conditions, condition, name, self._definition)
        return replace(self, _conditions=conditions)

    def collect(self) -> list[Row]:
        """Return all documents.

        Raises:
            SearchError: there are more than one search may find.
        """
        return list(self)

    def take(self, count: int) -> list[Row]:
        """Return the best ``count`` documents, fewer if there are no more."""
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise IndexRangeError(f"take({count!r}): want a whole number, 0 or more")
        return list(islice(self, count))

    def first(self) -> Row | None:
        """Return the best document, None if there is none."""
        return next(iter(self), None)

    def unique(self) -> Row | None:
        """Return the only document, None if there is none.

        Raises:
            NotUniqueError: there is a second one.
        """
        found = self.take(2)
        if len(found) > 1:
            source = self._search.source
            raise NotUniqueError(
                f"unique() query returned more than one result from table {source.table}: the "
                f"search in {source.index} finds a second document"
            )
        return found[0] if found else None

    def __iter__(self) -> Iterator[Row]:
        """Yield the documents, the best first."""
        run = self._run()
        if run is None:
            return
        for found in run.found():
            row = self._row(run, found)
            if row is not None:
                yield row

    def paginate(self, options: PaginationOptions) -> PaginationResult[Row]:
        """Return one page. Once in a function; the page is live, and keeps its end.

        Raises:
            PaginationError: options that no page has, or a second page in this function.
            InvalidCursorError: a cursor that this search did not make.
            SearchError: the page would go beyond what one search may find.
        """
        check_options(options)
        self._begin_page()
        seal = self._seal()
        bounds = page_bounds(options, seal, self._transaction)
        run = self._run()
        rows: list[Row] = []
        end: CursorPosition = END_OF_QUERY
        if run is not None and bounds.start is not END_OF_QUERY:
            wanted = None if bounds.end is not None else bounds.rows_count
            for found in _between(run, bounds.start, bounds.end):
                row = self._row(run, found)
                if row is not None:
                    rows.append(row)
                if len(rows) == wanted:
                    end = found.key
                    break
        if bounds.end is not None:
            end = bounds.end
        end_cursor = seal.seal(end)
        keep_journal(self._transaction, end_cursor)
        return PaginationResult(page=rows, is_done=end is END_OF_QUERY, continue_cursor=end_cursor)

    def _row(self, run: TextSearchRun, found: Found) -> Row | None:
        document = run.document(found)
        return None if document is None else admitted(self._conditions, self._load, document)

    def _run(self) -> TextSearchRun | None:
        """Begin the search; None if the table does not exist yet."""
        source = self._search.source
        table = self._transaction.table(source.table)
        if table is None:
            return None
        index = table.indexes.get(source.index)
        if index is None:
            raise DefinitionError(f"Index {source.table}.{source.index} not found.")
        return TextSearchRun(self._transaction, table, index, self._search)

    def _seal(self) -> CursorSeal:
        """Return the seal of this search's cursors. As everywhere, functions are not part of it."""
        search = self._search
        return CursorSeal(
            self._transaction.snapshot.cursor_secret(),
            [
                search.source.table,
                search.source.index,
                search.text,
                [[name, key] for name, key in search.conditions],
                *(
                    condition.form
                    for condition in self._conditions
                    if isinstance(condition, FilterCondition)
                ),
            ],
        )


def _between(
    run: TextSearchRun, start: CursorPosition | None, end: CursorPosition | None
) -> Iterator[Found]:
    """Yield the results after ``start`` up to and with ``end``.

    Both name a document. Scores change with every write, so where it stands now is what counts;
    if it is no longer found, where it stood.
    """
    if not isinstance(start, bytes) and not isinstance(end, bytes):
        yield from run.found()
        return
    results: list[Found] = []
    overrun: SearchError | None = None
    try:
        for found in run.found():
            results.append(found)
    except SearchError as error:
        overrun = error  # Only if the page goes beyond it.
    keys = {found.internal_id: found.key for found in results}
    after, up_to = (
        keys.get(key_internal_id(position), position) if isinstance(position, bytes) else None
        for position in (start, end)
    )
    for found in results:
        key = found.key
        if up_to is not None and key > up_to:
            return
        if after is None or key > after:
            yield found
    if overrun is not None:
        raise overrun
