"""Stored files in a snapshot file: a document a line, and the bytes of each as an entry.

Not here: the tables of the app (``export.py``); putting files back (``file_import.py``).
"""

import mimetypes
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from livefile.archive.document_line import line_of
from livefile.model.table_definition import Document
from livefile.model.value_packed import unpack
from livefile.sqlite import catalog
from livefile.sqlite.blobs import read_chunk
from livefile.sqlite.schema_change import walk_documents
from livefile.sqlite.whole_reads import WholeRead
from livefile.system.stored_files import BLOBS, FILES, STORED, blob_key
from livefile.vocabulary.errors import StorageFailedError

# Of its own, so that the names do not depend on the machine.
_TYPES = mimetypes.MimeTypes(filenames=())


@dataclass(frozen=True, slots=True)
class _File:
    id: str
    document: Document
    blob: Document


class FileExport:
    """The stored files that a reader sees."""

    def __init__(self, read: WholeRead) -> None:
        self._read = read
        known = catalog.load(read.connection).tables
        self.table = known[FILES]
        blobs = {
            cast(str, blob["storageId"]): blob
            for blob in self._documents(known[BLOBS].number)
            if blob["state"] == STORED
        }
        self._files = [
            _File(id=id, document=document, blob=blobs[id])
            for document in self._documents(self.table.number)
            if (id := cast(str, document["_id"]))
        ]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._files)

    def lines(self) -> Iterator[bytes]:
        """Yield the document of each; with ``internalId``, by which it is served."""
        for file in self._files:
            yield line_of({**file.document, "internalId": file.blob["uuid"]})

    def entries(self) -> Iterator[tuple[zipfile.ZipInfo, Iterator[bytes]]]:
        """Yield the entry of each, and its bytes in pieces."""
        for file in self._files:
            content_type = file.document.get("contentType")
            ending = _TYPES.guess_extension(str(content_type).partition(";")[0]) or ""
            entry = zipfile.ZipInfo(f"{FILES}/{file.id}{ending}")
            yield entry, self._pieces(file)

    def _pieces(self, file: _File) -> Iterator[bytes]:
        key = blob_key(cast(str, file.blob["_id"]))
        left, number = int(cast(float, file.document["size"])), 0
        while left:
            self._read.check()
            chunk = read_chunk(self._read.connection, key, number)
            if not chunk:
                raise StorageFailedError(f"stored file {file.id}: bytes are missing")
            yield chunk
            left, number = left - len(chunk), number + 1

    def _documents(self, table_number: int) -> Iterator[Document]:
        for _, packed in walk_documents(self._read.connection, table_number, b""):
            yield cast(Document, unpack(packed))
