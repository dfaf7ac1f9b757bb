"""Stored files of a snapshot file become stored files, with their ids.

Each is a row of small jobs, one chunk each, and comes into being with the last one. A file that was
cut off half-way is begun anew; what had come of it is removed at the next start.

Not here: documents of tables (``import_run.py``).
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from functools import partial
from typing import IO, cast
from uuid import UUID

from livefile.archive.import_source import ImportedFile
from livefile.functions.job import RunJob
from livefile.model.document_id import decode_document_id
from livefile.model.table_definition import Document
from livefile.sqlite import blobs
from livefile.system import stored_files
from livefile.system.stored_files import FILES, STORED
from livefile.transaction.committer import Committer
from livefile.vocabulary.errors import ImportFileError, InvalidDocumentIdError, InvalidValueError
from livefile.vocabulary.limits import FILE_CHUNK_SIZE_BYTES, FILE_SIZE_BYTES_MAX


class FileImport:
    """Writes one file after the other. It blocks its thread."""

    def __init__(self, run_job: RunJob, seed: Callable[[], int], packed_call: bytes) -> None:
        """Take where jobs run, the source of seeds, and what the commit log keeps of the import."""
        self._run_job = run_job
        self._seed = seed
        self._packed_call = packed_call

    def check(self, file: ImportedFile) -> None:
        """Check what a file's document says.

        Raises:
            ImportFileError: it is no document of a file, or the bytes are not there.
        """
        _checked(file)

    def write(self, file: ImportedFile, finish: Callable[[Committer], None]) -> None:
        """Write a file; ``finish`` is part of the commit with which it comes into being.

        Raises:
            ImportFileError: the bytes are not those that its document tells of.
        """
        document = _checked(file)
        blob_id = self._run_job(self._begin)
        try:
            self._write_chunks(file, document, blob_id)
            self._run_job(partial(self._finish, document, _uuid_of(file), blob_id, finish))
        except ImportFileError:
            self._run_job(partial(self._abandon, blob_id))
            raise

    def _write_chunks(self, file: ImportedFile, document: Document, blob_id: str) -> None:
        digest = hashlib.sha256()
        with file.open() as source:
            number = 0
            while chunk := _next_chunk(source):
                digest.update(chunk)
                self._run_job(partial(_add_chunk, blob_id, number, chunk))
                number += 1
        if digest.digest() != base64.b64decode(cast(str, document["sha256"])):
            raise ImportFileError(f"{file.place}: its bytes have another SHA-256 than it says")

    # --- Jobs -------------------------------------------------------------------------------

    def _begin(self, committer: Committer) -> str:
        transaction = committer.begin(self._seed())
        blob_id = stored_files.add_blob(transaction)
        committer.commit(transaction, self._packed_call)
        return blob_id

    def _abandon(self, blob_id: str, committer: Committer) -> None:
        transaction = committer.begin(self._seed())
        stored_files.abandon_blob(transaction, blob_id)
        committer.commit(transaction, self._packed_call)

    def _finish(
        self,
        document: Document,
        uuid: str,
        blob_id: str,
        finish: Callable[[Committer], None],
        committer: Committer,
    ) -> None:
        transaction = committer.begin(self._seed())
        file_id = cast(str, document["_id"])
        number, internal_id = decode_document_id(file_id)
        table = committer.catalog.tables[FILES]
        if table.number != number:
            raise ImportFileError(f"stored file {file_id}: want an id of table {FILES}")
        if transaction.get(file_id) is not None:
            raise ImportFileError(f"there is a stored file with the id {file_id}")
        if stored_files.find_uuid(transaction, uuid) is not None:
            uuid = _new_uuid()
        transaction.writes.add(table, internal_id, document)
        transaction.patch(
            blob_id,
            {
                "state": STORED,
                "uuid": uuid,
                "storageId": file_id,
                "chunkSize": float(FILE_CHUNK_SIZE_BYTES),
            },
        )
        committer.commit(transaction, self._packed_call)
        finish(committer)


def _add_chunk(blob_id: str, number: int, chunk: bytes, committer: Committer) -> None:
    key = stored_files.blob_key(blob_id)
    committer.work(lambda connection, _: blobs.add_chunk(connection, key, number, chunk))


def _next_chunk(source: IO[bytes]) -> bytes:
    """Return the next chunk, full unless it is the last one."""
    chunk = b""
    while len(chunk) < FILE_CHUNK_SIZE_BYTES:
        piece = source.read(FILE_CHUNK_SIZE_BYTES - len(chunk))
        if not piece:
            break
        chunk += piece
    return chunk


def _checked(file: ImportedFile) -> Document:
    """Return the document of a file, with exactly the fields that it has here."""
    found = file.document
    try:
        decode_document_id(str(found.get("_id")))
        size, sha256 = found.get("size"), found.get("sha256")
        if type(size) is not float or size != file.size_bytes or size > FILE_SIZE_BYTES_MAX:
            raise InvalidValueError(f"its size is {size!r}, that of its bytes {file.size_bytes}")
        if not isinstance(sha256, str) or len(base64.b64decode(sha256, validate=True)) != 32:
            raise InvalidValueError(f"sha256 must be 32 bytes as base64, not {sha256!r:.80}")
        if type(found.get("_creationTime")) is not float:
            raise InvalidValueError("_creationTime must be a number")
        content_type = found.get("contentType")
        if not isinstance(content_type, str | None):
            raise InvalidValueError(f"contentType must be a text, not {content_type!r:.80}")
        stored_files.check_content_type(content_type)
    except (InvalidDocumentIdError, InvalidValueError, binascii.Error) as error:
        raise ImportFileError(f"{file.place}: {error}") from error
    names = ("_id", "_creationTime", "sha256", "size", "contentType")
    return {name: found.get(name) for name in names}


def _uuid_of(file: ImportedFile) -> str:
    """Return the UUID by which the file was served, a new one if it is none."""
    given = file.document.get("internalId")
    return given if isinstance(given, str) and stored_files.is_uuid(given) else _new_uuid()


def _new_uuid() -> str:
    return str(UUID(bytes=secrets.token_bytes(16), version=4))
