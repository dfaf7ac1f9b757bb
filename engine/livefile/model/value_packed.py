"""The stored form of a value: msgpack, in which an int is an Int64 and a float 64 bits wide.

Documents, commit-log images and recorded arguments are kept in this form.

Not here: the JSON forms (``value_json.py``), limits (``value.py``).
"""

import msgpack

from livefile.model.value import Value
from livefile.vocabulary.errors import InvalidValueError


def pack(value: Value) -> bytes:
    """Return the stored form of a value. Safe on every thread.

    Raises:
        InvalidValueError: a text that is not valid Unicode, or an int beyond 64 bits.
    """
    try:
        packed: bytes = msgpack.packb(value)
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(f"The value cannot be stored: {error}") from error
    return packed


def is_surely_within(packed: bytes, size_bytes_max: int) -> bool:
    """Return whether the value surely is within a size, without looking at it.

    No byte of the stored form stands for more than 9 bytes of the protocol's size: the smallest
    forms are an int of one byte, which counts 9, and an empty container or text of one byte, which
    counts 2; a field's name has one byte more in either form.
    """
    return len(packed) * 9 <= size_bytes_max


def unpack(data: bytes) -> Value:
    """Return the value of which ``data`` is the stored form.

    Raises:
        InvalidValueError: ``data`` is no stored form of a value.
    """
    try:
        value: Value = msgpack.unpackb(data)
    except ValueError as error:
        raise InvalidValueError(f"The stored bytes are no value: {error}") from error
    return value
