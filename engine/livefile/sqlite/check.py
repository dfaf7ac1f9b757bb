"""The integrity check of a whole file: what must hold between its tables at any time.

SQLite's own check comes first. Then every document is read, and which index entries it should have
is worked out anew; there must be these and no others. Last, the commit log must lead to what is
stored. Memory holds a number for each document that the log names, and nothing else that grows.

Not here: a bit that flipped inside a document and left it readable; for that, compare the hash of
a backup.
"""

from collections.abc import Callable, Iterator
from typing import cast

import apsw
import msgpack

from livefile.model.document import check_document
from livefile.model.document_id import decode_document_id
from livefile.model.index_key import document_key, key_internal_id
from livefile.model.table_definition import Document
from livefile.model.value_packed import unpack
from livefile.sqlite import catalog
from livefile.sqlite.blob_check import blob_problems
from livefile.sqlite.catalog import Catalog, IndexEntry, IndexState
from livefile.sqlite.text_check import look_anew, text_problems
from livefile.sqlite.vector_check import vector_problems
from livefile.vocabulary.errors import LivefileError

_DOCUMENTS = "SELECT table_number, internal_id, document FROM documents"
_DOCUMENT = "SELECT document FROM documents WHERE table_number = ? AND internal_id = ?"
_HAS_ENTRY = "SELECT 1 FROM index_entries WHERE index_id = ? AND key = ?"
_ENTRIES = "SELECT index_id, key FROM index_entries ORDER BY index_id"
_COUNT_DOCUMENTS = "SELECT count(*) FROM documents"
_COMMITS = "SELECT ts, log_offset, writes, call FROM commits ORDER BY ts"
_DROPPING = "SELECT id FROM indexes WHERE state = ?"
_REPORT_ROWS = 1_000

OnChecked = Callable[[int, int], None]
"""Hears how many documents are checked, of how many. May raise to give up."""


def problems(connection: apsw.Connection, on_checked: OnChecked) -> Iterator[str]:
    """Yield what is wrong, one sentence each, through a connection in a read transaction."""
    look_anew(connection)
    for (text,) in connection.execute("PRAGMA integrity_check"):
        if text != "ok":
            yield f"SQLite: {text}"
    known = catalog.load(connection)
    yield from _documents(connection, known, on_checked)
    yield from _index_entries(connection, known)
    yield from _summaries(connection, known)
    yield from text_problems(connection, known)
    yield from vector_problems(connection, known)
    yield from blob_problems(connection, known)
    yield from _commit_log(connection)


def _documents(connection: apsw.Connection, known: Catalog, on_checked: OnChecked) -> Iterator[str]:
    """Check each document, and that the entries which it should have are there."""
    count = connection.execute(_COUNT_DOCUMENTS).get
    for checked, (number, internal_id, packed) in enumerate(connection.execute(_DOCUMENTS)):
        if checked % _REPORT_ROWS == 0:
            on_checked(checked, count)
        name = known.table_name(number)
        where = f'document {internal_id.hex()} of table "{name or number}"'
        if name is None:
            yield f"{where}: there is no such table"
            continue
        try:
            document = _readable(number, internal_id, packed)
        except (LivefileError, KeyError, TypeError) as error:
            yield f"{where}: {type(error).__name__}: {error}"
            continue
        table = known.tables[name]
        building = {index.id for index in table.building}
        for index in table.stored_indexes:
            entry = (index.id, _key(index, document, internal_id))
            if index.id not in building and connection.execute(_HAS_ENTRY, entry).get is None:
                yield f'{where}: it is missing in index "{index.name}"'
    on_checked(count, count)


def _index_entries(connection: apsw.Connection, known: Catalog) -> Iterator[str]:
    """Check that each entry is one that its document should have."""
    indexes = {
        index.id: (table, index)
        for table in known.tables.values()
        for index in table.stored_indexes
    }
    dropping = {id for (id,) in connection.execute(_DROPPING, (IndexState.DROPPING.value,))}
    for index_id, key in connection.execute(_ENTRIES):
        if index_id in dropping:
            continue
        if index_id not in indexes:
            yield f"index entry {key.hex()}: there is no index {index_id}"
            continue
        table, index = indexes[index_id]
        internal_id = key_internal_id(key)
        packed = connection.execute(_DOCUMENT, (table.number, internal_id)).get
        where = f'index "{index.name}" of table "{table.name}"'
        if packed is None:
            yield f"{where}: entry {key.hex()} has no document"
            continue
        try:
            right = _key(index, cast(Document, unpack(packed)), internal_id) == key
        except (LivefileError, KeyError, TypeError):
            continue  # The document is named already.
        if not right:
            yield f"{where}: entry {key.hex()} is of another state of its document"


def _summaries(connection: apsw.Connection, known: Catalog) -> Iterator[str]:
    """Check that the counts and sums of an index are those of its entries."""
    for table in known.tables.values():
        for index in table.summarized_indexes:
            for problem in catalog.summarized(connection, index.id, index.spec).problems():
                yield f'index "{index.name}" of table "{table.name}": {problem}'


def _commit_log(connection: apsw.Connection) -> Iterator[str]:
    """Check that each image before is the image after of the commit before, the last one stored."""
    newest: dict[tuple[int, bytes], int] = {}
    end = None
    for ts, offset, writes, call in connection.execute(_COMMITS):
        if end not in (None, offset):
            yield f"commit {ts}: it begins at offset {offset} of the log, want {end}"
        end = offset + len(writes) + len(call)
        for number, internal_id, before, after in msgpack.unpackb(writes):
            key = (number, internal_id)
            if newest.get(key, hash(before)) != hash(before):
                yield f"commit {ts}: it changed another image of document {internal_id.hex()}"
            newest[key] = hash(after)
    for (number, internal_id), image in newest.items():
        if hash(connection.execute(_DOCUMENT, (number, internal_id)).get) != image:
            yield f"document {internal_id.hex()}: what is stored is not the newest image in the log"


def _readable(number: int, internal_id: bytes, packed: bytes) -> Document:
    document = cast(Document, unpack(packed))
    document_id = cast(str, document["_id"])
    if decode_document_id(document_id) != (number, internal_id):
        raise TypeError(f"it says that it is {document_id}")
    if type(document["_creationTime"]) is not float:
        raise TypeError(f"_creationTime is {document['_creationTime']!r}")
    check_document(document)
    return document


def _key(index: IndexEntry, document: Document, internal_id: bytes) -> bytes:
    return document_key(index.complete(document), index.paths, internal_id)
