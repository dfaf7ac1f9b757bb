"""Indexes as a table's class declares them: ``by_channel = index("channel")``.

Not here: ranges of an index (``model/index_range.py``); indexes for text and vectors, which are
declared the same way (``model/text_search.py``, ``model/vector_search.py``).
"""

from typing import TYPE_CHECKING, TypeVar, overload

from livefile.model.index_range import IndexRange
from livefile.model.index_spec import IndexSpec, Summary
from livefile.model.names import check_index_fields

if TYPE_CHECKING:
    from livefile.model.table import Table

TableType = TypeVar("TableType", bound="Table")


class IndexDeclaration:
    """Anything that a table declares to be found by. Its name is that of the attribute."""

    def __init__(self, spec: IndexSpec) -> None:
        self.spec = spec
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class Index(IndexDeclaration):
    """An index by ranges. On the class it reads as the range of the whole index."""

    @overload
    def __get__(self, instance: None, owner: type[TableType]) -> IndexRange[TableType]: ...
    @overload
    def __get__(self, instance: object, owner: type[TableType]) -> "Index": ...
    def __get__(self, instance: object | None, owner: type[TableType]) -> object:
        """Return the range of the whole index."""
        if instance is not None:
            return self
        table = owner.__livefile_table__
        found = table.ranges.get(self.name)
        if found is None:  # Kept by the table: a table that inherits the index has its own range.
            found = table.ranges[self.name] = IndexRange(
                table=table.name,
                index=self.name,
                fields=self._range_fields(),
                annotations=table.annotations,
            )
        return found

    def _range_fields(self) -> tuple[str, ...]:
        """Return the fields that a range can bound: after its own, the creation time."""
        return (*self.spec.fields, "creation_time")


class IdIndex(Index):
    """The index ``by_id``, which every table has: it has no field but the id."""

    def _range_fields(self) -> tuple[str, ...]:
        return ("id",)


def index(*fields: str, counted: bool = False) -> Index:
    """Declare an index over ``fields``, in this order; dots lead into objects.

    With ``counted``, a range of it is counted without reading it; every write then costs a little
    more.

    Raises:
        DefinitionError: no field, a field twice, too many, or a reserved name.
    """
    check_index_fields(fields)
    return Index(IndexSpec(fields, summary=Summary.COUNT if counted else Summary.NONE))
