"""Vector indexes in SQL: every vector is compared, at first by its signs alone.

Of each vector two forms are kept: in ``vectors`` its direction in 32-bit floats, in
``vector_entries`` one bit for each number, which says whether it is above zero. The bits are a
thirty-second of the size, so all of them are compared, and then the floats of those that came
nearest. The functions that compare come from sqlite-vec.

Not here: writes of a transaction that are not in the file yet (``transaction/vector_search.py``).
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import apsw

from livefile.model.index_spec import IndexSpec
from livefile.model.table_definition import Document
from livefile.model.vector import Vector
from livefile.model.vector_search import document_keys, document_vector
from livefile.sqlite.readers import read_failure
from livefile.vocabulary.limits import (
    VECTOR_CANDIDATES_MIN,
    VECTOR_CANDIDATES_PER_RESULT,
    VECTOR_SIGNS_DIMENSIONS_MIN,
)

# The vectors of one index have neighbouring numbers, so that a search reads no others.
_NUMBERS_PER_INDEX = 1 << 40

_FILTER_KEY_LENGTH = 17

# Of a vector of length zero to every other one: the distance at which the cosine is 0.
_ZERO_DISTANCE = 2**0.5

_KNOWN = """
SELECT number, filter_keys FROM vector_entries
WHERE index_id = ? AND key = x'' AND internal_id = ?
"""
_LAST_NUMBER = "SELECT max(number) FROM vectors WHERE number >= ? AND number < ?"
_PUT_VECTOR = "INSERT OR REPLACE INTO vectors (number, direction) VALUES (?, ?)"
_REMOVE_VECTOR = "DELETE FROM vectors WHERE number = ?"
_ADD_ENTRY = """
INSERT INTO vector_entries (index_id, key, internal_id, number, signs, filter_keys)
VALUES (?1, ?2, ?3, ?4, iif(?5 IS NULL, NULL, vec_quantize_binary(?5)), ?6)
"""
_REMOVE_ENTRY = "DELETE FROM vector_entries WHERE index_id = ? AND key = ? AND internal_id = ?"
_SOME_ENTRIES = "SELECT key, internal_id, number FROM vector_entries WHERE index_id = ? LIMIT ?"
_DISTANCE = "SELECT vec_distance_L2(?, ?)"

_ENTRIES = """
SELECT {distinct} internal_id, number, signs FROM vector_entries
WHERE index_id = :index_id AND key IN ({keys})
"""
_CANDIDATES = """
SELECT internal_id, number FROM ({entries})
ORDER BY iif(signs IS NULL, :zero_signs,
    vec_distance_hamming(vec_bit(signs), vec_quantize_binary(:direction))), internal_id
LIMIT :candidates_count
"""
_NEAREST = """
SELECT entry.internal_id, iif(direction IS NULL OR :direction IS NULL, :zero_distance,
    vec_distance_L2(direction, :direction)) AS distance
FROM ({entries}) AS entry CROSS JOIN vectors ON vectors.number = entry.number
ORDER BY distance, entry.internal_id LIMIT :limit
"""


class StoredVectorIndex:
    """Vector indexes, as every search index is kept up to date."""

    def create(self, connection: apsw.Connection, index_id: int, spec: IndexSpec) -> None:
        """Do nothing: all vector indexes share their tables."""

    def touched_keys(self, spec: IndexSpec, document: Document) -> Sequence[bytes]:
        """Return the keys under which the document is found, none if it has no right vector."""
        if document_vector(spec, document) is None:
            return []
        return list(document_keys(spec, document))

    def put(
        self,
        connection: apsw.Connection,
        index_id: int,
        spec: IndexSpec,
        internal_id: bytes,
        document: Document,
    ) -> None:
        """Let the index have a document as it is now, whether it had it before or not."""
        vector = document_vector(spec, document)
        assert vector is not None  # Else it has no keys, and is not put.
        number = _remove_entries(connection, index_id, internal_id)
        if number is None:
            start = index_id * _NUMBERS_PER_INDEX
            last = connection.execute(_LAST_NUMBER, (start, start + _NUMBERS_PER_INDEX)).get
            number = start if last is None else last + 1
        direction = vector.direction
        every_key, *filter_keys = document_keys(spec, document)
        known = (index_id, every_key, internal_id, number, direction, b"".join(filter_keys))
        rows = [(index_id, key, internal_id, number, direction, None) for key in filter_keys]
        connection.executemany(_ADD_ENTRY, [known, *rows])
        connection.execute(_PUT_VECTOR, (number, direction))

    def remove(
        self, connection: apsw.Connection, index_id: int, spec: IndexSpec, internal_id: bytes
    ) -> None:
        """Let the index forget a document, if it has it."""
        number = _remove_entries(connection, index_id, internal_id)
        if number is not None:
            connection.execute(_REMOVE_VECTOR, (number,))

    def remove_some(self, connection: apsw.Connection, index_id: int, entries_max: int) -> bool:
        """Remove part of a dropped index. Return whether more is left."""
        rows = connection.execute(_SOME_ENTRIES, (index_id, entries_max)).fetchall()
        connection.executemany(_REMOVE_ENTRY, [(index_id, *row[:2]) for row in rows])
        connection.executemany(_REMOVE_VECTOR, [(number,) for _, _, number in rows])
        return len(rows) == entries_max


def load_functions(connection: apsw.Connection) -> None:
    """Let a connection have the functions that compare vectors, and no other extension."""
    connection.enable_load_extension(True)
    try:
        connection.load_extension(_extension_path())
    finally:
        connection.enable_load_extension(False)


def nearest(
    connection: apsw.Connection,
    index_id: int,
    keys: Sequence[bytes],
    vector: Vector,
    limit: int,
    *,
    is_exact: bool,
) -> list[tuple[bytes, float]]:
    """Return (internal id, distance) of the stored documents that are nearest to ``vector``.

    Nearest first, of equal ones that with the lower id. Only those under one of ``keys`` count.
    Unless ``is_exact``, a few may be missed where there are many; it takes a tenth of the time.
    """
    direction = vector.direction
    by_signs = not is_exact and has_telling_signs(vector)
    bindings = {
        "index_id": index_id,
        "direction": direction,
        "zero_distance": _ZERO_DISTANCE,
        "zero_signs": len(vector.numbers) / 2,
        "candidates_count": max(VECTOR_CANDIDATES_MIN, VECTOR_CANDIDATES_PER_RESULT * limit),
        "limit": limit,
        **{f"key{position}": key for position, key in enumerate(keys)},
    }
    try:
        rows = connection.execute(_nearest_sql(len(keys), by_signs=by_signs), bindings).fetchall()
    except apsw.Error as error:
        raise read_failure(error) from error
    return rows  # type: ignore[return-value]  # A column of bytes and one of floats.


def distance_of(connection: apsw.Connection, one: Vector, other: Vector) -> float:
    """Return the distance of two vectors, to the bit as ``nearest`` does."""
    directions = (one.direction, other.direction)
    if None in directions:
        return _ZERO_DISTANCE
    distance: float = connection.execute(_DISTANCE, directions).get
    return distance


def cosine_of(distance: float) -> float:
    """Return the cosine of the angle between two directions at this distance."""
    return 0.0 if distance == _ZERO_DISTANCE else max(1 - distance * distance / 2, -1.0)


def has_telling_signs(vector: Vector) -> bool:
    """Return whether the signs of such vectors tell which are near to each other.

    They do if there are many, about as many above zero as below. Vectors without numbers below
    zero, counts of words for example, all have the same signs or nearly so.
    """
    return (
        len(vector.numbers) >= VECTOR_SIGNS_DIMENSIONS_MIN
        and bool(vector.length)
        and 0.25 <= vector.positive_share <= 0.75
    )


@cache
def _extension_path() -> str:
    # Not from the package's own function: importing it would import ``sqlite3``.
    found = find_spec("sqlite_vec")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).with_name("vec0"))


@cache
def _nearest_sql(keys_count: int, *, by_signs: bool) -> str:
    entries = _ENTRIES.format(
        # A document may meet several conditions.
        distinct="DISTINCT" if keys_count > 1 else "",
        keys=", ".join(f":key{position}" for position in range(keys_count)),
    )
    return _NEAREST.format(entries=_CANDIDATES.format(entries=entries) if by_signs else entries)


def _remove_entries(connection: apsw.Connection, index_id: int, internal_id: bytes) -> int | None:
    """Remove the entries of a document; return the number of its vector, None if it had none."""
    known = connection.execute(_KNOWN, (index_id, internal_id)).get
    if known is None:
        return None
    number, joined = known
    starts = range(0, len(joined), _FILTER_KEY_LENGTH)
    keys = [b"", *(joined[start : start + _FILTER_KEY_LENGTH] for start in starts)]
    connection.executemany(_REMOVE_ENTRY, [(index_id, key, internal_id) for key in keys])
    return int(number)
