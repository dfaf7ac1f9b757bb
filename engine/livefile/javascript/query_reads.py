"""The queries that one function is reading, some documents at a time.

Not here: what a query is (``query_source.py``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson

from livefile.functions.table_query import TableQuery
from livefile.javascript.query_source import PushedQuery, read_query
from livefile.model.pagination import PaginationOptions
from livefile.model.value_json import to_json, to_wire
from livefile.system import scheduled_functions
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import PaginationError

# A limit up to this is read at once: then no more than was asked for counts as read.
_AT_ONCE_MAX = 1024

# Any: JSON.


class QueryReads:
    """The reads of one function. ``physical`` gives a table's name in the file.

    Of the scheduled functions it sees those for which ``owns_job`` is true.
    """

    def __init__(
        self,
        transaction: Transaction,
        physical: Callable[[str], str],
        begin_page: Callable[[], None],
        owns_job: Callable[[Document], bool],
    ) -> None:
        self._transaction = transaction
        self._owns_job = owns_job
        self._physical = physical
        self._begin_page = begin_page
        self._open: dict[int, Iterator[Document]] = {}

    def read(self, args: Mapping[str, Any]) -> str:
        """Return the next documents of a query, as JSON texts within JSON.

        ``args`` are its number, how many are wanted, and the query itself the first time.
        """
        number, count = args["queryId"], args["count"]
        if "query" in args:
            query = self._query(args["query"])
            if query.limit is not None and query.limit <= _AT_ONCE_MAX:
                return _rows(query.take(query.limit), is_over=True)
            self._open[number] = iter(query)
        rows = list(islice(self._open[number], count))
        is_over = len(rows) < count
        if is_over:
            del self._open[number]
        return _rows(rows, is_over=is_over)

    def count(self, tree: Mapping[str, Any]) -> int:
        """Return how many documents a query has."""
        query = self._query(tree).query
        return query.count() if isinstance(query, TableQuery) else len(query.collect())

    def page(self, args: Mapping[str, Any]) -> str:
        """Return one page."""
        query = self._query(args["query"])
        if query.limit is not None:
            raise PaginationError("LimitedPage", "a query with a limit cannot be paginated")
        result = query.query.paginate(
            PaginationOptions(
                num_items=args["pageSize"],
                cursor=args["cursor"],
                end_cursor=args["endCursor"],
                maximum_rows_read=args.get("maximumRowsRead"),
                maximum_bytes_read=args.get("maximumBytesRead"),
            )
        )
        return orjson.dumps(
            {
                "page": [to_wire(row) for row in result.page],
                "isDone": result.is_done,
                "continueCursor": result.continue_cursor,
                "splitCursor": result.split_cursor,
                "pageStatus": result.page_status,
            }
        ).decode()

    def _query(self, tree: Mapping[str, Any]) -> PushedQuery:
        found = read_query(tree, self._transaction, self._physical, self._begin_page)
        query = found.query
        if isinstance(query, TableQuery) and query._table == scheduled_functions.TABLE:
            return replace(found, query=query.filter(self._owns_job))
        return found


def _rows(documents: list[Document], *, is_over: bool) -> str:
    rows = [to_json(document).decode() for document in documents]
    return orjson.dumps({"rows": rows, "isOver": is_over}).decode()
