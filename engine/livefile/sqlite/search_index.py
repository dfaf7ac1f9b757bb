"""What indexes for text and for vectors have in common, and where each kind is found.

A search index is kept up to date by the same commits as the ordered ones, but in tables of its
own. So that conflicts, live queries and the cache know it like every other index, it has keys,
too: those that a document's write touches are compared with those that a search has read.

Not here: the kinds themselves (``sqlite/text_index.py``, ``sqlite/vector_index.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import apsw

from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.table_definition import Document
from livefile.sqlite.text_index import StoredTextIndex
from livefile.sqlite.vector_index import StoredVectorIndex


class SearchIndex(Protocol):
    """One kind of search index. It keeps no state: everything is in the file."""

    def create(self, connection: apsw.Connection, index_id: int, spec: IndexSpec) -> None:
        """Make the tables of a new, empty index."""
        ...

    def touched_keys(self, spec: IndexSpec, document: Document) -> Sequence[bytes]:
        """Return the keys that are touched when a document comes, changes or goes."""
        ...

    def put(
        self,
        connection: apsw.Connection,
        index_id: int,
        spec: IndexSpec,
        internal_id: bytes,
        document: Document,
    ) -> None:
        """Let the index have a document as it is now, whether it had it before or not."""
        ...

    def remove(
        self, connection: apsw.Connection, index_id: int, spec: IndexSpec, internal_id: bytes
    ) -> None:
        """Let the index forget a document, if it has it."""
        ...

    def remove_some(self, connection: apsw.Connection, index_id: int, entries_max: int) -> bool:
        """Remove part of a dropped index, its tables with the last. Return whether more is left."""
        ...


_KINDS: Mapping[IndexKind, Callable[[], SearchIndex]] = {
    IndexKind.TEXT: StoredTextIndex,
    IndexKind.VECTOR: StoredVectorIndex,
}


def search_index(kind: IndexKind) -> SearchIndex:
    """Return the search index of a kind."""
    return _KINDS[kind]()
