"""Stored files: ``_storage``, which apps read, and ``_blobs``, which they do not.

A file is a document of ``_storage`` with exactly the protocol's fields. Beside it a document of
``_blobs`` says where its bytes are and by which unguessable name they are served. Both change in
the same transaction, so whether a file exists is read, tracked and undone like all data. A blob is

    uploading    while its bytes come in;
    stored       once its file exists;
    dropped      when the file was deleted, or never came to be: its bytes are to be removed.

Not here: the bytes (``sqlite/blobs.py``).
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, cast

from pydantic import BaseModel

from livefile.model.document_id import decode_document_id
from livefile.model.id import Id
from livefile.model.index_key import encode_value, successor
from livefile.model.interval import Interval
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import (
    InvalidDocumentIdError,
    InvalidStorageIdError,
    InvalidValueError,
    StoredFileNotFoundError,
)
from livefile.vocabulary.limits import CONTENT_TYPE_LENGTH_MAX, FILE_CHUNK_SIZE_BYTES

FILES = "_storage"
BLOBS = "_blobs"

UPLOADING = "uploading"
STORED = "stored"
DROPPED = "dropped"

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# As RFC 9110 has it. A type that is none is not kept: browsers guess then.
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_CONTENT_TYPE = re.compile(
    rf'{_TOKEN}/{_TOKEN}([ \t]*;[ \t]*({_TOKEN}=({_TOKEN}|"[ !#-\[\]-~\t]*"))?)*'
)


@dataclass(frozen=True, slots=True)
class _StorageTable:
    """What ``Id[StoredFile]`` asks of a table: its name."""

    name: str = FILES


class StoredFile(BaseModel):
    """What is known about a stored file. ``Id[StoredFile]`` is the type of its id."""

    __livefile_table__: ClassVar[_StorageTable] = _StorageTable()

    id: "Id[StoredFile]"
    creation_time: float
    """Milliseconds since 1970."""
    sha256: str
    """Of its bytes, as base64."""
    size: int
    """In bytes."""
    content_type: str | None


@dataclass(frozen=True, slots=True)
class FileContent:
    """What it takes to serve a file: where its bytes are, and what they are."""

    blob_id: bytes
    chunk_size_bytes: int
    size_bytes: int
    sha256: bytes
    content_type: str | None


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file whose bytes are complete. ``uuid`` is the name under which it will be served."""

    uuid: str
    size_bytes: int
    sha256: bytes
    content_type: str | None


def check_content_type(content_type: str | None) -> None:
    """Refuse what is no media type.

    Raises:
        InvalidValueError: it is none, such as ``image``, or has a line break.
    """
    if content_type is None:
        return
    if (
        not isinstance(content_type, str)
        or len(content_type) > CONTENT_TYPE_LENGTH_MAX
        or _CONTENT_TYPE.fullmatch(content_type) is None
    ):
        raise InvalidValueError(
            "a content type is a text such as 'image/png', of at most "
            f"{CONTENT_TYPE_LENGTH_MAX} characters; got {content_type!r:.100}"
        )


# --- Blobs ------------------------------------------------------------------------------------


def add_blob(transaction: Transaction) -> str:
    """Begin a blob that is still to get its bytes, and return its id."""
    return transaction.insert(BLOBS, {"state": UPLOADING})


def blob_key(blob_id: str) -> bytes:
    """Return the key of a blob's chunks."""
    return decode_document_id(blob_id)[1]


def abandon_blob(transaction: Transaction, blob_id: str) -> None:
    """Have the bytes of an upload removed, unless it became a file meanwhile."""
    blob = transaction.get(blob_id)
    if blob is not None and blob["state"] == UPLOADING:
        transaction.patch(blob_id, {"state": DROPPED})


def blobs_in_state(transaction: Transaction, state: str) -> Iterator[str]:
    """Yield the ids of the blobs in a state, oldest first."""
    for blob in _found_by(transaction, BLOBS, "by_state", state):
        yield cast(str, blob["_id"])


# --- Files ------------------------------------------------------------------------------------


def add_file(transaction: Transaction, file: NewFile, blob_id: str) -> str:
    """Make a file out of a blob that has all its bytes, and return the file's id."""
    digest = base64.b64encode(file.sha256).decode()
    storage_id = transaction.insert(
        FILES,
        {
            "sha256": digest,
            "size": float(file.size_bytes),
            "contentType": file.content_type,
        },
    )
    transaction.patch(
        blob_id,
        {
            "state": STORED,
            "uuid": file.uuid,
            "storageId": storage_id,
            "chunkSize": float(FILE_CHUNK_SIZE_BYTES),
        },
    )
    return storage_id


def find_file(transaction: Transaction, id: str) -> StoredFile | None:
    """Return what is known about a file, None if there is none.

    ``id`` is that of its document, or the UUID in its address, as in the protocol's older apps.

    Raises:
        InvalidStorageIdError: it is neither.
    """
    blob = _blob_of(transaction, id)
    document = None if blob is None else transaction.get(cast(str, blob["storageId"]))
    if document is None:
        return None
    return StoredFile(
        id=Id(document["_id"]),
        creation_time=cast(float, document["_creationTime"]),
        sha256=cast(str, document["sha256"]),
        size=int(cast(float, document["size"])),
        content_type=cast(str | None, document["contentType"]),
    )


def find_uuid(transaction: Transaction, id: str) -> str | None:
    """Return the UUID by which a file is served, None if there is no such file; see ``find_file``.

    Raises:
        InvalidStorageIdError: ``id`` can be no file's.
    """
    blob = _blob_of(transaction, id)
    return None if blob is None else cast(str, blob["uuid"])


def find_content(transaction: Transaction, id: str) -> FileContent | None:
    """Return where a file's bytes are, None if there is no such file; see ``find_file``.

    Raises:
        InvalidStorageIdError: ``id`` can be no file's.
    """
    blob = _blob_of(transaction, id)
    document = None if blob is None else transaction.get(cast(str, blob["storageId"]))
    if blob is None or document is None:
        return None
    return FileContent(
        blob_id=blob_key(cast(str, blob["_id"])),
        chunk_size_bytes=int(cast(float, blob["chunkSize"])),
        size_bytes=int(cast(float, document["size"])),
        sha256=base64.b64decode(cast(str, document["sha256"])),
        content_type=cast(str | None, document["contentType"]),
    )


def delete_file(transaction: Transaction, id: str) -> None:
    """Delete a file; its bytes are removed some time after the commit. See ``find_file``.

    Raises:
        InvalidStorageIdError: ``id`` can be no file's.
        StoredFileNotFoundError: there is no such file.
    """
    blob = _blob_of(transaction, id)
    if blob is None:
        raise not_found(id)
    transaction.delete(cast(str, blob["storageId"]))
    transaction.patch(cast(str, blob["_id"]), {"state": DROPPED})


def not_found(id: str) -> StoredFileNotFoundError:
    """Return the error for a file that is not there."""
    return StoredFileNotFoundError(f"storage id {id} not found")


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID in its usual form, in small letters."""
    return _UUID.fullmatch(text) is not None


def _blob_of(transaction: Transaction, id: object) -> Document | None:
    """Return the document of a file's blob, by the id or the UUID of the file."""
    if isinstance(id, str) and is_uuid(id):
        index = "by_uuid"
    elif _is_storage_id(transaction, id):
        index = "by_storage_id"
    else:
        raise InvalidStorageIdError(
            f"Invalid argument: {id!r:.100} is not the id of a stored file, nor its UUID"
        )
    # An ``Id`` is a text of a type of its own, which no index knows.
    for blob in _found_by(transaction, BLOBS, index, str(id)):
        if blob["state"] == STORED:
            return blob
    return None


def _is_storage_id(transaction: Transaction, id: object) -> bool:
    try:
        number, _ = decode_document_id(id)  # type: ignore[arg-type]  # A user's own object.
    except (InvalidDocumentIdError, TypeError):  # The second from what is no text.
        return False
    return number == transaction.catalog.tables[FILES].number


def _found_by(
    transaction: Transaction, table_name: str, index: str, value: str
) -> Iterator[Document]:
    table, prefix = transaction.catalog.tables[table_name], encode_value(value)
    return transaction.scan(table, table.indexes[index], Interval(prefix, successor(prefix)))
