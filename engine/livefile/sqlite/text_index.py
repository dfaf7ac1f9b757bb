"""The tables of a text index: an inverted index of FTS5, and which document each entry is of.

FTS5 keeps, for each word, the documents that have it, and is used for nothing else: it gets words
that are made already, and gives lists of documents. All that a list has to tell fits into the
number by which FTS5 knows a document, so that nothing else is read to put documents in order:

    position = creation time in 1/4096 ms, 54 bits | length class, 6 bits

Numbers rise with the creation time: new documents are added at the end, the newest are read first.
That a document has a word twice, three times or more often, and the values by which searches are
narrowed, are words too, each with a mark in front that no word of a text has.

Not here: words and keys (``model/indexed_text.py``); searching (``transaction/text_search.py``).
"""

import math
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import count
from typing import cast

import apsw

from livefile.model.index_spec import IndexSpec
from livefile.model.indexed_text import document_keys, filter_keys, filter_word, indexed_words
from livefile.model.relevance import CLASS_LENGTHS, COUNT_MAX, length_class
from livefile.model.table_definition import Document

_MARK = "·"

_LENGTH_BITS = 6
LENGTH_MASK = (1 << _LENGTH_BITS) - 1
"""What of a position is its length class."""

_MOMENTS_PER_MS = 4096  # As exact as a creation time of these decades is.
_TIME_MS_MAX = float((1 << 42) - 1)

# Moments that a document may be put after its own, if others of its length are there.
_NEIGHBOURS_TRIED = 8
_DISTANCE_MIN = 64

# Every word is letters and digits, so it is one token of FTS5 as it is. Nothing but the documents
# of a word is kept (``detail``), and the texts themselves are in the documents (``content``).
_CREATE = """
CREATE VIRTUAL TABLE text_index_{id} USING fts5(
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
CREATE VIRTUAL TABLE text_index_{id}_words USING fts5vocab(text_index_{id}, instance);
CREATE TABLE text_index_{id}_documents (
    position      INTEGER PRIMARY KEY,
    internal_id   BLOB NOT NULL UNIQUE,
    creation_time REAL NOT NULL
) STRICT;
CREATE TABLE text_index_{id}_totals (
    documents INTEGER NOT NULL,
    words     INTEGER NOT NULL         -- Each document's as its length class has it.
) STRICT;
INSERT INTO text_index_{id}_totals VALUES (0, 0);
"""
_DROP = """
DROP TABLE text_index_{id}_words;
DROP TABLE text_index_{id};
DROP TABLE text_index_{id}_documents;
DROP TABLE text_index_{id}_totals;
"""
_POSITION = "SELECT position FROM text_index_{id}_documents WHERE internal_id = ?"
_PLACE = """
INSERT INTO text_index_{id}_documents VALUES (?, ?, ?) ON CONFLICT (position) DO NOTHING
"""
_FORGET = "DELETE FROM text_index_{id}_documents WHERE position = ?"
_FORGET_SOME = """
DELETE FROM text_index_{id}_documents WHERE position IN (
    SELECT position FROM text_index_{id}_documents LIMIT ?
)
"""
_ADD_WORDS = "INSERT INTO text_index_{id} (rowid, words) VALUES (?, ?)"
_REMOVE_WORDS = "DELETE FROM text_index_{id} WHERE rowid = ?"
_COUNT = "UPDATE text_index_{id}_totals SET documents = documents + ?, words = words + ?"


class StoredTextIndex:
    """Text indexes as commits keep them up to date. See ``SearchIndex``."""

    def create(self, connection: apsw.Connection, index_id: int, spec: IndexSpec) -> None:
        """Make the tables of a new, empty index."""
        connection.execute(_CREATE.format(id=index_id))

    def touched_keys(self, spec: IndexSpec, document: Document) -> Sequence[bytes]:
        """Return the keys that are touched when a document comes, changes or goes."""
        return document_keys(spec, document)

    def put(
        self,
        connection: apsw.Connection,
        index_id: int,
        spec: IndexSpec,
        internal_id: bytes,
        document: Document,
    ) -> None:
        """Let the index have a document as it is now, whether it had it before or not."""
        self.remove(connection, index_id, spec, internal_id)
        words = " ".join(stored_words(spec, document))
        creation_time = indexed_time(document)
        length = length_class(sum(indexed_words(spec, document).values()))
        sql = _PLACE.format(id=index_id)
        for position in _places(creation_time, length, internal_id):
            connection.execute(sql, (position, internal_id, creation_time))
            if connection.changes():
                break
        connection.execute(_ADD_WORDS.format(id=index_id), (position, words))
        connection.execute(_COUNT.format(id=index_id), (1, CLASS_LENGTHS[length]))

    def remove(
        self, connection: apsw.Connection, index_id: int, spec: IndexSpec, internal_id: bytes
    ) -> None:
        """Let the index forget a document, if it has it."""
        position = connection.execute(_POSITION.format(id=index_id), (internal_id,)).get
        if position is None:
            return
        connection.execute(_FORGET.format(id=index_id), (position,))
        connection.execute(_REMOVE_WORDS.format(id=index_id), (position,))
        length = CLASS_LENGTHS[position_length_class(position)]
        connection.execute(_COUNT.format(id=index_id), (-1, -length))

    def remove_some(self, connection: apsw.Connection, index_id: int, entries_max: int) -> bool:
        """Remove part of a dropped index, its tables with the last. Return whether more is left.

        The inverted index itself goes at once: 5 ms for 100,000 sentences.
        """
        connection.execute(_FORGET_SOME.format(id=index_id), (entries_max,))
        if connection.changes() == entries_max:
            return True
        connection.execute(_DROP.format(id=index_id))
        return False


def indexed_time(document: Document) -> float:
    """Return the creation time. An imported one may be NaN, which has no place among others."""
    time_ms = cast(float, document["_creationTime"])
    return 0.0 if math.isnan(time_ms) else time_ms


def stored_words(spec: IndexSpec, document: Document) -> Iterator[str]:
    """Yield everything under which the index keeps a document, each once."""
    for word, times in indexed_words(spec, document).items():
        yield word
        for number in range(2, min(times, COUNT_MAX) + 1):
            yield repeated_word(word, number)
    for field, value_key in filter_keys(spec, document):
        yield marked_filter(field, value_key)


def repeated_word(word: str, times: int) -> str:
    """Return what is kept for documents that have a word so many times or more."""
    return word if times == 1 else f"{_MARK}{times}{word}"


def marked_filter(field: str, value_key: bytes) -> str:
    """Return what is kept for documents whose field has a value."""
    return f"{_MARK}f{filter_word(field, value_key)}"


def position_length_class(position: int) -> int:
    """Return the length class of the document at a position."""
    return position & LENGTH_MASK


def position_ms(position: int) -> int:
    """Return when the document at a position was created, in ms.

    It is a little off where very many were created at one moment.
    """
    return (position >> _LENGTH_BITS) // _MOMENTS_PER_MS


def _places(creation_time: float, length: int, internal_id: bytes) -> Iterator[int]:
    """Yield where a document may be put: first where its time is, then ever farther from it."""
    moment = int(min(max(0.0, creation_time), _TIME_MS_MAX) * _MOMENTS_PER_MS)
    for distance in range(_NEIGHBOURS_TRIED):
        yield moment + distance << _LENGTH_BITS | length
    # Very many at one time, as imports can make them. By the id, so that a replay does the same.
    distance_max = _DISTANCE_MIN
    for attempt in count():
        chance = blake2b(internal_id + attempt.to_bytes(4, "big"), digest_size=8).digest()
        distance = int.from_bytes(chance, "big") % distance_max
        yield abs(moment - distance) << _LENGTH_BITS | length
        distance_max += distance_max >> 1
