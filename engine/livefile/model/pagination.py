"""The two types of a paginated query: what its caller asks for, and the page it gets.

Both are annotations of functions. In Python their fields are named as Python names things, on the
wire as the protocol does, so that its clients' ``usePaginatedQuery`` takes the function as it is.

Not here: reading a page (``transaction/page.py``); cursors (``cursor.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

from livefile.model import validator as v
from livefile.model.annotation import Annotation, ForeignObjectError
from livefile.model.value import Value, normalize
from livefile.vocabulary.errors import ValidationError

Row = TypeVar("Row", covariant=True)
Other = TypeVar("Other")

# Any: as in ``annotation.py``.

PAGINATION_ARGUMENT = "paginationOpts"
"""What the argument of ``PaginationOptions`` is called on the wire, whatever Python calls it."""

PageStatus = Literal["SplitRecommended", "SplitRequired"]


@dataclass(frozen=True, slots=True)
class PaginationOptions:
    """Which page is wanted. Annotate a parameter with it and hand it to ``paginate``.

    A page begins after ``cursor``, None for the first one, and has ``num_items`` documents, or
    ends at ``end_cursor``. ``maximum_rows_read`` and ``maximum_bytes_read`` end it early, which
    helps where a filter drops nearly everything. ``id`` is the client's own and means nothing.
    """

    num_items: int
    cursor: str | None = None
    end_cursor: str | None = None
    maximum_rows_read: int | None = None
    maximum_bytes_read: int | None = None
    id: float | None = None
    __livefile_annotation__: ClassVar[Annotation]


@dataclass(frozen=True, slots=True)
class PaginationResult(Generic[Row]):
    """One page. Return it from the function as it is, or with other rows.

    ``continue_cursor`` is where the next page begins, ``split_cursor`` about the middle of this
    one (None if it is too short). ``page_status`` "SplitRequired" says that a limit was reached
    before the page was complete.
    """

    page: Sequence[Row]
    is_done: bool
    continue_cursor: str
    split_cursor: str | None = None
    page_status: PageStatus | None = None

    def with_page(self, page: Sequence[Other]) -> "PaginationResult[Other]":
        """Return the same page with other rows, for instance with a part of each document."""
        return PaginationResult(
            page=page,
            is_done=self.is_done,
            continue_cursor=self.continue_cursor,
            split_cursor=self.split_cursor,
            page_status=self.page_status,
        )


class _OptionsAnnotation(Annotation):
    """``PaginationOptions``."""

    def to_python(self, value: Value) -> PaginationOptions:
        """Return the options."""
        fields = cast(Mapping[str, Any], value)
        return PaginationOptions(
            num_items=int(fields["numItems"]),
            cursor=fields["cursor"],
            end_cursor=fields.get("endCursor"),
            maximum_rows_read=_whole(fields.get("maximumRowsRead")),
            maximum_bytes_read=_whole(fields.get("maximumBytesRead")),
            id=fields.get("id"),
        )

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the options as the wire has them."""
        if type(thing) is not PaginationOptions:
            raise ForeignObjectError
        fields = {
            "numItems": thing.num_items,
            "cursor": thing.cursor,
            "endCursor": thing.end_cursor,
            "id": thing.id,
            "maximumRowsRead": thing.maximum_rows_read,
            "maximumBytesRead": thing.maximum_bytes_read,
        }
        given = {n: item for n, item in fields.items() if item is not None or n == "cursor"}
        value = normalize(given)
        if found := self.validator.mismatch(value, table_name):
            raise ValidationError(f"PaginationOptions: {found}")
        return value


class PaginationResultAnnotation(Annotation):
    """``PaginationResult[...]``."""

    def __init__(self, row: Annotation) -> None:
        super().__init__(v.page_of(row.validator))
        self._row = row

    def to_python(self, value: Value) -> PaginationResult[Any]:
        """Return the page with every row converted."""
        fields = cast(Mapping[str, Any], value)
        return PaginationResult(
            page=[self._row.to_python(row) for row in fields["page"]],
            is_done=fields["isDone"],
            continue_cursor=fields["continueCursor"],
            split_cursor=fields["splitCursor"],
            page_status=fields["pageStatus"],
        )

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the page as the wire has it."""
        if type(thing) is not PaginationResult:
            raise ForeignObjectError
        row_value = self._row.to_value
        return {
            "page": [row_value(row, table_name, ValidationError) for row in thing.page],
            "isDone": thing.is_done,
            "continueCursor": thing.continue_cursor,
            "splitCursor": thing.split_cursor,
            "pageStatus": thing.page_status,
        }


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


PaginationOptions.__livefile_annotation__ = _OptionsAnnotation(v.PAGINATION_OPTIONS)
