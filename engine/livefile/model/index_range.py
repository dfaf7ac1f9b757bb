"""Ranges of an index: ``Message.by_channel.eq(channel="general").gte(creation_time=t)``.

A range names fields in the index's order: any number of ``eq``, then at most one lower and one
upper bound on the next field. Every index ends with the creation time, then the id. The order
is checked while the range is built, so a mistake shows where it was made.

Not here: running a range (``transaction/table_query.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from livefile.model.annotation import Annotation
from livefile.model.document_id import id_key, id_key_head
from livefile.model.index_key import END, MISSING, encode_value, successor
from livefile.model.interval import Interval
from livefile.model.validator import trusted_tables
from livefile.model.value import normalize
from livefile.vocabulary.errors import IndexRangeError, ValidationError

Row = TypeVar("Row", covariant=True)

BY_CREATION_TIME = "by_creation_time"
BY_ID = "by_id"


# Not frozen, as ``Interval`` is not.
@dataclass(slots=True)
class IndexRange(Generic[Row]):
    """A range of one index of the table whose documents are ``Row``.

    ``fields`` end with ``creation_time``, but for ``by_id``, which has only ``id``. ``prefix`` is
    the key bytes of the fields that are fixed by ``eq``, ``start`` and ``end`` the bounds on the
    field after them (None: unbounded).
    """

    table: str
    index: str
    fields: Sequence[str]
    annotations: Mapping[str, Annotation]
    prefix: bytes = b""
    start: bytes | None = None
    end: bytes | None = None
    position: int = 0

    def eq(self, **fields: Any) -> "IndexRange[Row]":  # Any: the index's fields have any type.
        """Fix the next fields of the index, in its order.

        Raises:
            IndexRangeError: a field out of order, or after a bound.
            ValidationError: a value that the field cannot have.
        """
        if self.start is not None or self.end is not None:
            raise IndexRangeError(f"index {self._name}: eq({', '.join(fields)}) after a bound")
        prefix, position = self.prefix, self.position
        for name, thing in fields.items():
            prefix += self._encode(name, thing, position)
            position += 1
        return self._narrowed(prefix, None, None, position)

    def gt(self, **field: Any) -> "IndexRange[Row]":
        """Bound the next field from below, without the bound itself."""
        return self._bounded_below(successor(self.prefix + self._encode_one(field)), field)

    def gte(self, **field: Any) -> "IndexRange[Row]":
        """Bound the next field from below, with the bound itself."""
        return self._bounded_below(self.prefix + self._encode_one(field), field)

    def lt(self, **field: Any) -> "IndexRange[Row]":
        """Bound the next field from above, without the bound itself."""
        return self._bounded_above(self.prefix + self._encode_one(field), field)

    def lte(self, **field: Any) -> "IndexRange[Row]":
        """Bound the next field from above, with the bound itself."""
        return self._bounded_above(successor(self.prefix + self._encode_one(field)), field)

    def interval(self) -> Interval:
        """Return the interval of index keys inside this range. It may be empty.

        For a range of ``by_id`` see ``id_interval``.
        """
        start = self.prefix if self.start is None else self.start
        end = self.end
        if end is None:
            end = successor(self.prefix) if self.prefix else END
        return Interval(start, end if end > start else start)

    @property
    def _name(self) -> str:
        return f"{self.table}.{self.index}"

    def _bounded_below(self, start: bytes, field: Mapping[str, Any]) -> "IndexRange[Row]":
        if self.start is not None:
            raise IndexRangeError(
                f"index {self._name}: a second lower bound on {next(iter(field))}"
            )
        return self._narrowed(self.prefix, start, self.end, self.position)

    def _bounded_above(self, end: bytes, field: Mapping[str, Any]) -> "IndexRange[Row]":
        if self.end is not None:
            raise IndexRangeError(
                f"index {self._name}: a second upper bound on {next(iter(field))}"
            )
        return self._narrowed(self.prefix, self.start, end, self.position)

    # Not ``replace``, which takes several times as long, and nearly every query comes here.
    def _narrowed(
        self, prefix: bytes, start: bytes | None, end: bytes | None, position: int
    ) -> "IndexRange[Row]":
        return IndexRange(
            table=self.table,
            index=self.index,
            fields=self.fields,
            annotations=self.annotations,
            prefix=prefix,
            start=start,
            end=end,
            position=position,
        )

    def _encode_one(self, field: Mapping[str, Any]) -> bytes:
        if len(field) != 1:
            raise IndexRangeError(
                f"index {self._name}: a bound takes one field, not {len(field)}: {list(field)}"
            )
        ((name, thing),) = field.items()
        return self._encode(name, thing, self.position)

    def _encode(self, name: str, thing: Any, position: int) -> bytes:
        fields = self.fields
        if position >= len(fields) or name != fields[position]:
            wanted = repr(fields[position]) if position < len(fields) else "nothing"
            raise IndexRangeError(
                f"index {self._name}: got the field {name!r}, want {wanted} next; its fields "
                f"are {', '.join(fields)}, in this order"
            )
        if thing is MISSING:
            return encode_value(MISSING)
        if name == "creation_time":
            return encode_value(float(thing))
        if self.index == BY_ID:
            return id_key(thing)
        annotation = self.annotations.get(name)
        if annotation is None:  # A path into an object, or a table without a schema.
            return encode_value(normalize(thing))
        return encode_value(annotation.to_value(thing, trusted_tables, ValidationError))


def id_interval(interval: Interval, table_number: int) -> Interval:
    """Return the interval of ``by_id``'s keys that a range of whole ids means for a table.

    A range of ids is made without knowing the table's number, so its bounds hold one; ids of other
    tables are before or after all of this one's, as their texts are.
    """
    head = id_key_head(table_number)
    start, end = max(interval.start, head), min(interval.end, successor(head))
    if start >= end:
        return Interval(END, END)
    is_open = end == successor(head)
    return Interval(start[len(head) :], END if is_open else end[len(head) :])
