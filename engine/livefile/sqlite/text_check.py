"""The integrity check of text indexes: each document is where it should be, with its words.

What FTS5 keeps is checked by SQLite's own check; here it is compared with the documents. It cannot
be read by document, so both sides are added up: a word at a position is a number, and the sums must
be the same.

Not here: all other checks (``check.py``).
"""

from collections.abc import Iterator
from typing import Any, cast

import apsw

from livefile.model.index_spec import IndexKind
from livefile.model.indexed_text import indexed_words
from livefile.model.relevance import CLASS_LENGTHS, length_class
from livefile.model.table_definition import Document
from livefile.model.value_packed import unpack
from livefile.sqlite.catalog import Catalog, IndexEntry, TableEntry
from livefile.sqlite.text_index import indexed_time, position_length_class, stored_words
from livefile.vocabulary.errors import LivefileError

_INVERTED = "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%USING fts5(%'"
_DOCUMENTS = "SELECT internal_id, document FROM documents WHERE table_number = ?"
_PLACE = "SELECT position, creation_time FROM text_index_{id}_documents WHERE internal_id = ?"
_COUNT_PLACES = "SELECT count(*) FROM text_index_{id}_documents"
_WORDS = "SELECT term, doc FROM text_index_{id}_words"
_TOTALS = "SELECT documents, words FROM text_index_{id}_totals"
_SUM_MASK = (1 << 64) - 1


def look_anew(connection: apsw.Connection) -> None:
    """Let FTS5 forget what a connection remembers of its tables.

    It does so by itself at every search, but not when it is asked to check, and would find
    fault with a table that others have changed since.
    """
    for (name,) in connection.execute(_INVERTED).fetchall():
        connection.execute(f"SELECT rowid FROM {name} LIMIT 1").fetchall()


def text_problems(connection: apsw.Connection, known: Catalog) -> Iterator[str]:
    """Yield what is wrong with the text indexes, one sentence each."""
    for table in known.tables.values():
        for index in table.search_indexes:
            if index.spec.kind is IndexKind.TEXT:
                yield from _problems_of(connection, table, index)


def _problems_of(
    connection: apsw.Connection, table: TableEntry, index: IndexEntry
) -> Iterator[str]:
    where = f'index "{index.name}" of table "{table.name}"'
    place = _PLACE.format(id=index.id)
    documents_count = words_count = words_sum = 0
    for internal_id, packed in connection.execute(_DOCUMENTS, (table.number,)):
        try:
            document = index.complete(cast(Document, unpack(packed)))
            length = length_class(sum(indexed_words(index.spec, document).values()) or 1)
        except (LivefileError, TypeError, ValueError):
            continue  # The document is named already.
        # Any: the two columns of its row.
        found: list[Any] = connection.execute(place, (internal_id,)).fetchall()
        if not indexed_words(index.spec, document):
            if found:
                yield f"{where}: it has document {internal_id.hex()}, which has no word"
            continue
        if not found:
            if index not in table.building:
                yield f"{where}: it lacks document {internal_id.hex()}"
            continue
        ((position, creation_time),) = found
        if (creation_time, position_length_class(position)) != (indexed_time(document), length):
            yield f"{where}: document {internal_id.hex()} is not at its place"
        documents_count += 1
        words_count += CLASS_LENGTHS[length]
        words_sum += sum(hash((word, position)) for word in stored_words(index.spec, document))
    if connection.execute(_COUNT_PLACES.format(id=index.id)).get != documents_count:
        yield f"{where}: it has documents that the table does not have"
    if connection.execute(_TOTALS.format(id=index.id)).get != (documents_count, words_count):
        yield f"{where}: its totals are not those of its documents"
    found_sum = sum(map(hash, connection.execute(_WORDS.format(id=index.id))))
    if (found_sum - words_sum) & _SUM_MASK:
        yield f"{where}: its words are not those of its documents"
