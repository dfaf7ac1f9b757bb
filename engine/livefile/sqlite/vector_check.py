"""The integrity check of vector indexes: each document is under its keys, with its own vector.

Not here: all other checks (``check.py``).
"""

from array import array
from collections.abc import Iterator
from typing import cast

import apsw

from livefile.model.index_spec import IndexKind
from livefile.model.table_definition import Document
from livefile.model.value_packed import unpack
from livefile.model.vector_search import document_keys, document_vector
from livefile.sqlite.catalog import Catalog, IndexEntry, TableEntry
from livefile.vocabulary.errors import LivefileError

_DOCUMENTS = "SELECT internal_id, document FROM documents WHERE table_number = ?"
_ENTRY = """
SELECT entry.number, signs, filter_keys, direction
FROM vector_entries AS entry LEFT JOIN vectors USING (number)
WHERE index_id = ? AND key = ? AND internal_id = ?
"""
_COUNT_ENTRIES = "SELECT count(*) FROM vector_entries WHERE index_id = ?"
_COUNT_VECTORS = "SELECT count(*) FROM vectors"
_COUNT_NUMBERS = "SELECT count(DISTINCT number) FROM vector_entries"
_COUNT_LOST = """
SELECT count(*) FROM vector_entries WHERE index_id NOT IN (SELECT id FROM indexes)
"""


def vector_problems(connection: apsw.Connection, known: Catalog) -> Iterator[str]:
    """Yield what is wrong with the vector indexes, one sentence each."""
    for table in known.tables.values():
        for index in table.search_indexes:
            if index.spec.kind is IndexKind.VECTOR:
                yield from _problems_of(connection, table, index)
    numbers_count = connection.execute(_COUNT_NUMBERS).get
    vectors_count = connection.execute(_COUNT_VECTORS).get
    if numbers_count != vectors_count:
        yield f"vectors: there are {vectors_count}, want {numbers_count} as the indexes have"
    lost_count = connection.execute(_COUNT_LOST).get
    if lost_count:
        yield f"vector entries: {lost_count} are of indexes that do not exist"


def _problems_of(
    connection: apsw.Connection, table: TableEntry, index: IndexEntry
) -> Iterator[str]:
    where = f'index "{index.name}" of table "{table.name}"'
    entries_count = 0
    for internal_id, packed in connection.execute(_DOCUMENTS, (table.number,)):
        try:
            document = index.complete(cast(Document, unpack(packed)))
            vector = document_vector(index.spec, document)
            keys = list(document_keys(index.spec, document))
        except (LivefileError, TypeError, ValueError):
            continue  # The document is named already.
        if vector is None:
            continue
        direction = vector.direction
        filter_keys = b"".join(keys)  # The first is empty.
        numbers = set()
        for key in keys:
            found = connection.execute(_ENTRY, (index.id, key, internal_id)).fetchall()
            if not found:
                if index not in table.building:
                    yield f"{where}: it lacks document {internal_id.hex()}"
                continue
            entries_count += 1
            number, *rest = found[0]
            numbers.add(number)
            if rest != [_signs(direction), None if key else filter_keys, direction]:
                yield f"{where}: it has another vector of document {internal_id.hex()}"
        if len(numbers) > 1:
            yield f"{where}: it has two vectors of document {internal_id.hex()}"
    if connection.execute(_COUNT_ENTRIES, (index.id,)).get != entries_count:
        yield f"{where}: it has documents that the table does not have"


def _signs(direction: bytes | None) -> bytes | None:
    """Return a bit for each float, the first of eight in the lowest place."""
    if direction is None:
        return None
    bits = sum((number > 0) << place for place, number in enumerate(array("f", direction)))
    return bits.to_bytes(len(direction) // 32, "little")
