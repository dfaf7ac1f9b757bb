"""Index keys: byte strings that sort as the values they were made from.

An index entry is its key: the encoded fields, the encoded ``_creationTime``, then the raw internal
id of the document. Because SQLite and Python compare bytes alike, a range of an index is one
interval of byte strings, and a read set needs nothing else.

Each value begins with the tag of its type (the protocol's tags, so the protocol's order of types).
No encoding is the beginning of another one, therefore keys compare field by field and all keys
that share their first fields are the interval from that prefix to ``successor`` of it.

    01 missing    03 null    04-0c Int64    0d Float64    0e false    0f true
    10 string     11 bytes   12 array       15 object

Texts, bytes, arrays and objects end with 00. A byte 00 inside is written 01 01 and a byte 01 as
01 02. The rival escape, 00 ff, would make the key of an empty text the beginning of that of a text
of one NUL, and the range of all rows equal to the one would hold rows equal to the other.

Not here: intervals (``interval.py``) and which fields an index has (``schema.py``).
"""

import struct
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

from livefile.model.document_id import INTERNAL_ID_LENGTH
from livefile.model.value import Value

# Above every key: no tag reaches ff.
END = b"\xff" * 18


class Missing(Enum):
    """The type of ``MISSING``."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""Stands for a field that the document does not have; it sorts before every value."""

_DOUBLE = struct.Struct(">d")

# A float's tag and its first byte, by the first byte of the double: the sign bit is set if it was
# clear, all bits are flipped if it was set.
_FLOAT_STARTS = [
    b"\x0d" + bytes((byte ^ 0xFF if byte & 0x80 else byte | 0x80,)) for byte in range(256)
]
_FLIPPED = bytes(byte ^ 0xFF for byte in range(256))


def encode_value(value: Value | Missing) -> bytes:
    """Return the order-preserving bytes of one value."""
    kind = type(value)
    if kind is str:
        text = value.encode()  # type: ignore[union-attr]  # By kind.
        return b"\x10" + _escape(text) + b"\x00"
    if kind is float:
        return _encode_float(value)  # type: ignore[arg-type]  # By kind.
    if value is None:
        return b"\x03"
    if value is True:
        return b"\x0f"
    if value is False:
        return b"\x0e"
    if value is MISSING:
        return b"\x01"
    if isinstance(value, int):
        return _encode_int(value)
    if isinstance(value, bytes):
        return b"\x11" + _escape(value) + b"\x00"
    if isinstance(value, list):
        return b"\x12" + b"".join(map(encode_value, value)) + b"\x00"
    assert isinstance(value, dict)
    return _encode_object(value)


def document_key(
    document: Mapping[str, Value], fields: Sequence[tuple[str, ...]], internal_id: bytes
) -> bytes:
    """Return the key of a document in the index over ``fields``.

    Args:
        document: the whole document, with ``_creationTime``.
        fields: the index's field paths, split at the dots; may be empty.
        internal_id: the 16 bytes of its id.
    """
    return fields_key(document, fields) + key_end(document["_creationTime"], internal_id)


def fields_key(document: Mapping[str, Value], fields: Sequence[tuple[str, ...]]) -> bytes:
    """Return the part of ``document_key`` that comes from the index's own fields."""
    key = b""
    for path in fields:
        value = document.get(path[0], MISSING)
        if len(path) > 1:
            for name in path[1:]:
                value = value.get(name, MISSING) if isinstance(value, dict) else MISSING
        key += encode_value(value)
    return key


def key_end(creation_time: Value, internal_id: bytes) -> bytes:
    """Return the part of ``document_key`` that is the same in every index."""
    return encode_value(creation_time) + internal_id


def key_internal_id(key: bytes) -> bytes:
    """Return the internal id of the document that a whole index key belongs to."""
    return key[-INTERNAL_ID_LENGTH:]


def successor(prefix: bytes) -> bytes:
    """Return the smallest byte string above all strings that begin with ``prefix``.

    It is ``END`` if there is none, which is for the empty prefix and for nothing but ff.
    """
    stripped = prefix.rstrip(b"\xff")
    if not stripped:
        return END
    return stripped[:-1] + bytes((stripped[-1] + 1,))


def _escape(data: bytes) -> bytes:
    return data.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01")


# The total order of IEEE 754: sign bit set if positive, all bits flipped if negative.
def _encode_float(value: float) -> bytes:
    data = _DOUBLE.pack(value)
    rest = data[1:] if data[0] < 0x80 else data[1:].translate(_FLIPPED)
    return _FLOAT_STARTS[data[0]] + rest


# Two's complement in 1, 2, 4 or 8 bytes; the tag says how many, from 08 upwards or downwards.
def _encode_int(value: int) -> bytes:
    if value == 0:
        return b"\x08"
    magnitude_bits = (value if value > 0 else ~value).bit_length()
    distance = 1 if magnitude_bits < 8 else 2 if magnitude_bits < 16 else 3
    if magnitude_bits >= 32:
        distance = 4
    tag = 8 + distance if value > 0 else 8 - distance
    return bytes((tag,)) + value.to_bytes(1 << (distance - 1), "big", signed=True)


# Field names are printable, so they need no escape; only the empty one would look like the end.
def _encode_object(fields: dict[str, Value]) -> bytes:
    parts = [b"\x15"]
    for name in sorted(fields):
        parts.append(name.encode() if name else b"\x01")
        parts.append(b"\x00")
        parts.append(encode_value(fields[name]))
    parts.append(b"\x00")
    return b"".join(parts)
