"""``.paginate(options)``: from options and cursors to a page, and the call's journal.

The journal is the end of the page that a call read. A live query is run again with it, so its page
keeps its end while documents come and go, and the page after it stays the next one. It belongs to
the first page that a call reads, in whichever of its functions.

Not here: reading (``transaction/page.py``); who keeps journals (``reactive/``, the clients).
"""

from livefile.model.cursor import CursorPosition, CursorSeal
from livefile.model.pagination import PaginationOptions
from livefile.transaction.page import PageBounds
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import PaginationError
from livefile.vocabulary.limits import PAGE_ROWS_MAX


def check_options(options: PaginationOptions) -> None:
    """Refuse options that no page has."""
    if not isinstance(options, PaginationOptions):
        raise PaginationError(
            "InvalidPaginationOptions",
            f"paginate takes PaginationOptions, got {type(options).__name__} {options!r}",
        )
    if options.num_items < 1:
        raise PaginationError(
            "NoDocumentsForPagination",
            f"Must request at least 1 document while paginating, got {options.num_items}",
        )
    if options.num_items > PAGE_ROWS_MAX:
        raise PaginationError(
            "PageSizeTooLarge",
            f"A page can have {PAGE_ROWS_MAX} documents, asked for {options.num_items}",
        )
    for name, number in (
        ("maximumRowsRead", options.maximum_rows_read),
        ("maximumBytesRead", options.maximum_bytes_read),
    ):
        if number is not None and number < 1:
            raise PaginationError(
                "InvalidPaginationLimit", f"{name} must be greater than 0, got {number}"
            )


def page_bounds(
    options: PaginationOptions, seal: CursorSeal, transaction: Transaction
) -> PageBounds:
    """Return where the page begins and ends.

    Raises:
        InvalidCursorError: a cursor or the journal is not one of this query.
    """
    end = options.end_cursor
    if end is None and not transaction.has_paginated:
        end = transaction.journal
    return PageBounds(
        rows_count=options.num_items,
        start=_opened(seal, options.cursor),
        end=_opened(seal, end),
        rows_read_max=options.maximum_rows_read,
        bytes_read_max=options.maximum_bytes_read,
    )


def keep_journal(transaction: Transaction, end_cursor: str) -> None:
    """Let the call remember where its first page ended."""
    if not transaction.has_paginated:
        transaction.has_paginated = True
        transaction.journal = end_cursor


def _opened(seal: CursorSeal, text: str | None) -> CursorPosition | None:
    return None if text is None else seal.open(text)
