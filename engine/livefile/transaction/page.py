"""One page of a query: what lies between two positions, and where it may be cut in two.

A page is half-open, after its start up to and with its end, so that pages one after the other
have every row once. A page whose end is given is read to that end, however many rows have come;
one without is read until it has enough, and tells where that was. Exactly its part of the range
counts as read, so it runs again when, and only when, something changes in it.

Not here: the texts of positions (``model/cursor.py``); which pages a function may ask for
(``functions/pagination.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from livefile.model.cursor import END_OF_QUERY, CursorPosition
from livefile.model.interval import Interval
from livefile.model.pagination import PageStatus
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import TransactionLimitError
from livefile.vocabulary.limits import ARRAY_LENGTH_MAX, BYTES_READ_MAX, DOCUMENTS_READ_MAX

Row = TypeVar("Row")

# Rows fetched at a time, also where a filter may drop any number of them.
_ROWS_MAX = 256
# A page of so few rows cannot be cut into two.
_SPLIT_ROWS_MIN = 3


@dataclass(frozen=True, slots=True)
class PageBounds:
    """Where a page begins and ends; None for a bound that is not given.

    The last three do not count if ``end`` is given: then the page is all that is in between.
    """

    start: CursorPosition | None
    end: CursorPosition | None
    rows_count: int
    rows_read_max: int | None = None
    bytes_read_max: int | None = None

    def inside(self, interval: Interval, *, is_descending: bool) -> Interval:
        """Return the part of a query's range that the page may reach."""
        start, end = interval.start, interval.end
        if self.start is END_OF_QUERY:
            return Interval(end, end)
        if isinstance(self.start, bytes):
            if is_descending:
                end = self.start
            else:
                start = self.start + b"\x00"
        if isinstance(self.end, bytes):
            if is_descending:
                start = self.end
            else:
                end = self.end + b"\x00"
        return Interval(start, end)


class Page(Generic[Row]):
    """A page while it is read. ``rows`` are those that the filter let pass."""

    def __init__(self, bounds: PageBounds) -> None:
        self._bounds = bounds
        self.rows: list[Row] = []
        self.status: PageStatus | None = None
        self.end: CursorPosition = END_OF_QUERY
        self._keys: list[bytes] = []
        self._bytes_read = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing comes after the page, now or later."""
        return self.end is END_OF_QUERY

    @property
    def split(self) -> CursorPosition | None:
        """The position of the middle row of all that were read, None if there are too few."""
        enough = len(self._keys) >= _SPLIT_ROWS_MIN
        return self._keys[len(self._keys) // 2] if enough else None

    def read(
        self,
        transaction: Transaction,
        source: tuple[TableEntry, IndexEntry],
        interval: Interval,
        admit: Callable[[Document], Row | None],
        *,
        is_filtered: bool,
        is_descending: bool,
    ) -> None:
        """Read the page. ``admit`` gives the row of a document, None for one to be dropped.

        Raises:
            TransactionLimitError: the transaction is over a limit before the page has begun.
        """
        bounds = self._bounds
        bytes_before = transaction.bytes_read

        def is_enough(key: bytes, document: Document) -> bool:
            self._keys.append(key)
            row = admit(document)
            if row is not None:
                self.rows.append(row)
            self._bytes_read = transaction.bytes_read - bytes_before
            return self._is_enough()

        is_over = False
        try:
            is_over = transaction.read_until(
                *source,
                bounds.inside(interval, is_descending=is_descending),
                is_enough,
                rows_count=_ROWS_MAX if is_filtered else min(bounds.rows_count, _ROWS_MAX),
                is_descending=is_descending,
            )
        except TransactionLimitError:
            if not self._keys:
                raise
            self.status = "SplitRequired"
        if bounds.end is not None:
            self.end = bounds.end
        elif not is_over:
            self.end = self._keys[-1]
        if self.status is None and self._is_long():
            self.status = "SplitRecommended"

    def _is_enough(self) -> bool:
        bounds = self._bounds
        if bounds.end is not None:
            return False
        if len(self.rows) >= bounds.rows_count:
            return True
        rows_max, bytes_max = bounds.rows_read_max, bounds.bytes_read_max
        is_over = (rows_max is not None and len(self._keys) >= rows_max) or (
            bytes_max is not None and self._bytes_read >= bytes_max
        )
        if is_over:
            self.status = "SplitRequired"
        return is_over

    def _is_long(self) -> bool:
        """Tell whether the page takes more than three quarters of what it may."""
        bounds = self._bounds
        rows_max, bytes_max = DOCUMENTS_READ_MAX, BYTES_READ_MAX
        if bounds.end is None:
            rows_max = min(rows_max, bounds.rows_read_max or rows_max)
            bytes_max = min(bytes_max, bounds.bytes_read_max or bytes_max)
        return (
            len(self._keys) > rows_max * 3 // 4
            or self._bytes_read > bytes_max * 3 // 4
            or len(self.rows) > ARRAY_LENGTH_MAX * 3 // 4
        )
