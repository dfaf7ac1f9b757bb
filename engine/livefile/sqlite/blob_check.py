"""The part of the integrity check that is about stored files: each has all its bytes, unchanged.

Not here: the other parts (``check.py``), among them the documents of files and blobs as such.
"""

import base64
import hashlib
from collections.abc import Iterator
from typing import cast

import apsw

from livefile.model.document_id import decode_document_id
from livefile.model.index_key import encode_value, successor
from livefile.model.table_definition import Document
from livefile.model.value_packed import unpack
from livefile.sqlite.catalog import Catalog
from livefile.vocabulary.errors import LivefileError

_OF_TABLE = "SELECT internal_id, document FROM documents WHERE table_number = ?"
_DOCUMENT = "SELECT document FROM documents WHERE table_number = ? AND internal_id = ?"
_HAS_ENTRY = "SELECT 1 FROM index_entries WHERE index_id = ? AND key >= ? AND key < ? LIMIT 1"
_CHUNKS = "SELECT number, bytes FROM blob_chunks WHERE blob_id = ? ORDER BY number"
_BLOBS_WITH_CHUNKS = "SELECT DISTINCT blob_id FROM blob_chunks"


def blob_problems(connection: apsw.Connection, known: Catalog) -> Iterator[str]:
    """Yield what is wrong with stored files, one sentence each; a chunk at a time is in memory."""
    if "_storage" not in known.tables:  # Of an older version, and not yet brought to this one.
        return
    files, blobs = known.tables["_storage"], known.tables["_blobs"]
    index_id = blobs.indexes["by_storage_id"].id
    for internal_id, file in _documents(connection, files.number):
        prefix = encode_value(file.get("_id"))
        if connection.execute(_HAS_ENTRY, (index_id, prefix, successor(prefix))).get is None:
            yield f"file {internal_id.hex()}: it has no blob"
    for internal_id, blob in _documents(connection, blobs.number):
        if blob.get("state") != "stored":
            continue
        where = f"blob {internal_id.hex()}"
        try:
            _, file_id = decode_document_id(cast(str, blob.get("storageId")))
        except (LivefileError, TypeError):
            yield f"{where}: it names no file"
            continue
        packed = connection.execute(_DOCUMENT, (files.number, file_id)).get
        if packed is None:
            yield f"{where}: its file is not there"
        elif not _is_whole(connection, internal_id, packed):
            yield f"{where}: its bytes are not those of its file"
    for (blob_id,) in connection.execute(_BLOBS_WITH_CHUNKS):
        if connection.execute(_DOCUMENT, (blobs.number, blob_id)).get is None:
            yield f"chunks of blob {blob_id.hex()}: there is no such blob"


def _documents(connection: apsw.Connection, number: int) -> Iterator[tuple[bytes, Document]]:
    for internal_id, packed in connection.execute(_OF_TABLE, (number,)):
        if (document := _readable(packed)) is not None:
            yield internal_id, document


def _is_whole(connection: apsw.Connection, blob_id: bytes, packed_file: bytes) -> bool:
    file = _readable(packed_file)
    if file is None:
        return True
    digest, size = hashlib.sha256(), 0
    for wanted, (number, chunk) in enumerate(connection.execute(_CHUNKS, (blob_id,))):
        if number != wanted:
            return False
        digest.update(chunk)
        size += len(chunk)
    text = base64.b64encode(digest.digest()).decode()
    return size == file.get("size") and text == file.get("sha256")


def _readable(packed: bytes) -> Document | None:
    """Return a document, None if it is damaged: then it is named already."""
    try:
        document = unpack(packed)
    except LivefileError:
        return None
    return document if isinstance(document, dict) else None
