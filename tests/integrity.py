"""The integrity check of a whole file: what must hold between its tables at any time.

It reads through a reader of the open database, so that nothing else opens the file, and works
out for itself which index entries the documents should have.
"""

from collections import Counter
from collections.abc import Mapping
from typing import cast

import apsw
import msgpack

from livefile.model.document import check_document
from livefile.model.document_id import decode_document_id
from livefile.model.index_key import document_key
from livefile.model.value import Value
from livefile.model.value_packed import unpack
from livefile.sqlite import catalog
from livefile.transaction.database import Database

Images = Mapping[tuple[int, bytes], bytes]
"""Every stored document as it is packed, by table number and internal id."""


def check_integrity(database: Database) -> None:
    """Raise an AssertionError that names what is wrong with the file, if anything is."""
    with database._connections.read() as connection:
        check_connection(connection)
        newest_ts = connection.execute("SELECT coalesce(max(ts), 0) FROM commits").get
        assert newest_ts == database.published_ts
        assert catalog.load(connection) == database.catalog


def check_connection(connection: apsw.Connection) -> None:
    """Do the same for a file that no database has open, through any connection to it."""
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    images: Images = {
        (number, internal_id): packed
        for number, internal_id, packed in connection.execute(
            "SELECT table_number, internal_id, document FROM documents"
        )
    }
    _check_documents(connection, images)
    _check_index_entries(connection, images)
    _check_commit_log(connection, images)


def _check_documents(connection: apsw.Connection, images: Images) -> None:
    known = catalog.load(connection).by_number
    for (number, internal_id), packed in images.items():
        document = cast(dict[str, Value], unpack(packed))
        assert number in known, f"a document of an unknown table: {number}"
        assert decode_document_id(cast(str, document["_id"])) == (number, internal_id)
        assert type(document["_creationTime"]) is float
        check_document(document)


def _check_index_entries(connection: apsw.Connection, images: Images) -> None:
    """A ready index is whole, one that is being built has no entry too many."""
    wanted: Counter[tuple[int, bytes]] = Counter()
    tables = catalog.load(connection).by_number
    building = {index.id for table in tables.values() for index in table.building}
    for (number, internal_id), packed in images.items():
        document = cast(dict[str, Value], unpack(packed))
        for index in tables[number].stored_indexes:
            key = document_key({**index.missing, **document}, index.paths, internal_id)
            wanted[index.id, key] += 1
    dropped = "SELECT id FROM indexes WHERE state = 'dropping'"
    found = Counter(
        (index_id, key)
        for index_id, key in connection.execute(
            f"SELECT index_id, key FROM index_entries WHERE index_id NOT IN ({dropped})"
        )
    )
    missing = [entry for entry in wanted - found if entry[0] not in building]
    assert not missing, f"index entries are missing: {missing[:3]}"
    assert not found - wanted, f"index entries without a document: {list(found - wanted)[:3]}"


def _check_commit_log(connection: apsw.Connection, images: Images) -> None:
    """Each image before is the image after of the commit before; the last one is stored."""
    newest: dict[tuple[int, bytes], bytes | None] = {}
    end = None
    for ts, offset, writes, call in connection.execute(
        "SELECT ts, log_offset, writes, call FROM commits ORDER BY ts"
    ):
        assert end in (None, offset), f"the offset of commit {ts} is {offset}, want {end}"
        end = offset + len(writes) + len(call)
        for number, internal_id, before, after in msgpack.unpackb(writes):
            key = (number, internal_id)
            assert newest.get(key, before) == before, f"commit {ts} changed another image"
            assert before is not None or after is not None
            newest[key] = after
    for key, packed in newest.items():
        assert images.get(key) == packed, "the newest image in the log is not the stored one"
