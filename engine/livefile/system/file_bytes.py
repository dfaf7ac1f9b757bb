"""The bytes of files as a part of one transaction: they come into being with its commit.

Not here: uploads, which are no transaction (``functions/files.py``); the documents of files
(``stored_files.py``).
"""

import base64
import hashlib
import hmac
from uuid import UUID

from livefile.system import stored_files
from livefile.system.stored_files import BLOBS, FileContent, NewFile
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import BadRequestError, StoredFileNotFoundError
from livefile.vocabulary.limits import FILE_CHUNK_SIZE_BYTES

_UUID_LENGTH = 16


def store_bytes(
    transaction: Transaction,
    content: bytes,
    content_type: str | None,
    sha256: bytes | None = None,
) -> str:
    """Make a file of bytes, if the transaction commits, and return its id.

    Raises:
        InvalidValueError: the content type is none.
        BadRequestError: the digest is another one than ``sha256``.
    """
    stored_files.check_content_type(content_type)
    digest = hashlib.sha256(content).digest()
    check_digest(digest, sha256)
    blob_id = stored_files.add_blob(transaction)
    chunks = [
        content[start : start + FILE_CHUNK_SIZE_BYTES]
        for start in range(0, len(content), FILE_CHUNK_SIZE_BYTES)
    ]
    table_number = transaction.catalog.tables[BLOBS].number
    transaction.writes.add_chunks(table_number, stored_files.blob_key(blob_id), chunks)
    new = NewFile(
        uuid=_uuid(transaction, blob_id),
        size_bytes=len(content),
        sha256=digest,
        content_type=content_type,
    )
    return stored_files.add_file(transaction, new, blob_id)


def read_bytes(transaction: Transaction, content: FileContent) -> bytes:
    """Return all bytes of a file that the transaction sees.

    Raises:
        StoredFileNotFoundError: they were removed since the state that it sees.
    """
    pending = transaction.writes.chunks_of(content.blob_id)
    if pending is not None:
        return b"".join(pending)
    chunks = []
    for number in range(-(-content.size_bytes // content.chunk_size_bytes)):
        chunk = transaction.snapshot.read_chunk(content.blob_id, number)
        if chunk is None:
            raise StoredFileNotFoundError("the bytes of the file are not kept any more")
        chunks.append(chunk)
    return b"".join(chunks)


def check_digest(digest: bytes, wanted: bytes | None) -> None:
    """Refuse bytes whose digest is not the wanted one.

    Raises:
        BadRequestError: it is not.
    """
    if wanted is not None and wanted != digest:
        raise BadRequestError(
            "Sha256Mismatch",
            f"Sha256 mismatch. Expected: {_shown(wanted)} Actual: {_shown(digest)}",
        )


def _uuid(transaction: Transaction, blob_id: str) -> str:
    """Return a name that nobody can guess, and that a repetition of the call has again."""
    secret = transaction.snapshot.upload_secret()
    tag = hmac.digest(secret, b"file " + blob_id.encode(), "sha256")
    return str(UUID(bytes=tag[:_UUID_LENGTH], version=4))


def _shown(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
