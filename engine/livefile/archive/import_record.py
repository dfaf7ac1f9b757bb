"""How far an import came, kept in the file and written in the commit of each batch.

Not here: the import (``import_run.py``).
"""

from dataclasses import asdict, dataclass
from enum import Enum

import msgpack

IMPORT_SETTING = "import"
"""Under this name; empty once the import is finished."""


class ImportPhase(Enum):
    """What an import does: the phases in their order."""

    CHECK = "checking documents"
    CLEAR = "removing documents"
    FILES = "writing files"
    WRITE = "writing documents"


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An import that is under way: so many ``files`` and ``rows`` are written.

    ``source`` is the hash of the imported file.
    """

    source: str
    mode: str
    table: str
    phase: str
    files: int
    rows: int
    count: int

    def packed(self) -> bytes:
        """Return the bytes in which it is kept."""
        found: bytes = msgpack.packb(asdict(self))
        return found

    def is_same_import(self, other: "ImportRecord") -> bool:
        """Return whether both are of one file, imported in one way."""
        return (self.source, self.mode, self.table) == (other.source, other.mode, other.table)


def record_of(packed: bytes | None) -> ImportRecord | None:
    """Return what is kept, None if no import is under way."""
    return ImportRecord(**msgpack.unpackb(packed)) if packed else None
