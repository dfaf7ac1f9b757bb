"""What a commit changed: documents and index entries.

A transaction's write set is made of these, the commit log stores the first kind, and conflict
checks and invalidation look at the second.

Not here: how writes are collected (``transaction/write_set.py``) or applied (``sqlite/``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


# Not frozen, because making one would take twice the time, and every write makes one.
@dataclass(slots=True)
class DocumentWrite:
    """The change of one document by one commit, from image to image.

    The images are packed (``value_packed.py``) and whole, with ``_id`` and ``_creationTime``.
    An insert has no ``before``, a delete no ``after``.
    """

    table_number: int
    internal_id: bytes
    before: bytes | None
    after: bytes | None


IndexWrites = Mapping[int, Sequence[bytes]]
"""The index keys that a commit touched, by index: for readers, old and new keys alike changed."""
