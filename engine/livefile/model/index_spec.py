"""What an index is, apart from its name: its kind, its fields, and what it keeps beside its keys.

A schema declares specs, the file remembers them, and a deploy compares the two: an index whose
spec changes is built anew.

Not here: how an app declares an index (``model/index_declaration.py``); the number under which
the file knows it (``sqlite/catalog.py``).
"""

from dataclasses import dataclass
from enum import Enum


class IndexKind(Enum):
    """How an index finds documents. The value is the file's word for it."""

    ORDERED = "ordered"
    """By ranges of keys, in their order."""

    TEXT = "text"
    """By the words in a text."""

    VECTOR = "vector"
    """By how near a vector is to another."""


class Summary(Enum):
    """What an ordered index knows of a range without reading it. The value is the file's word."""

    NONE = "none"
    COUNT = "count"
    """How many documents are in it."""

    SUM = "sum"
    """The count, and the exact sum of the index's last field."""


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """One index. Field paths are texts with dots.

    ``fields`` are the fields of an ordered index, in order; of the other kinds the one field that
    is searched. ``filters`` are the fields by which a search may be narrowed, ``dimensions`` the
    length of a vector index's vectors.
    """

    fields: tuple[str, ...]
    kind: IndexKind = IndexKind.ORDERED
    filters: tuple[str, ...] = ()
    dimensions: int = 0
    summary: Summary = Summary.NONE

    @property
    def all_fields(self) -> tuple[str, ...]:
        """Every field that the index looks at."""
        return (*self.fields, *self.filters)
