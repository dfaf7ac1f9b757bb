"""What an import reads: tables, and documents in an order that is always the same.

Because the order is always the same, an import that was cut off goes on behind the documents that
it has written, by their number alone.

Not here: the formats (``table_file.py``, ``snapshot_file.py``); writing (``import_run.py``).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import IO, Protocol

from livefile.model.table_definition import Document


class ImportMode(Enum):
    """What becomes of documents that are there already. The values are the protocol's names."""

    REQUIRE_EMPTY = "requireEmpty"
    """Every table of the import must be empty."""

    APPEND = "append"
    """They stay."""

    REPLACE = "replace"
    """Those of the imported tables are removed first."""

    REPLACE_ALL = "replaceAll"
    """Those of all tables are removed first."""


class ImportFormat(Enum):
    """The format of a file. The values are the protocol's names."""

    ZIP = "zip"
    JSON_LINES = "jsonLines"
    JSON_ARRAY = "jsonArray"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class ImportedTable:
    """A table of an import. ``number`` is the one inside its documents' ids, if they have ids."""

    name: str
    number: int | None


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One document, maybe with ``_id`` and ``_creationTime``. ``place`` is for messages."""

    table: str
    place: str
    document: Document


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """One stored file: its document, and how to read its bytes."""

    place: str
    document: Document
    size_bytes: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


class ImportSource(Protocol):
    """A file that is imported. ``rows`` begins anew each time, and gives the same each time."""

    @property
    def tables(self) -> Sequence[ImportedTable]:
        """The tables that it has documents for."""
        ...

    @property
    def left_out(self) -> Sequence[str]:
        """Names of parts that are no documents of tables, and stay behind."""
        ...

    @property
    def has_files(self) -> bool:
        """Whether it has stored files, be it none of them."""
        ...

    def files(self) -> Iterator[ImportedFile]:
        """Yield all stored files."""
        ...

    def rows(self) -> Iterator[ImportedRow]:
        """Yield all documents."""
        ...
