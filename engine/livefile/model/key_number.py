"""Reading a number back from an index key.

Keys are made to be compared; only summaries look into them, for the one number that they add up.

Not here: how keys are made (``model/index_key.py``).
"""

import struct

_DOUBLE = struct.Struct(">d")
_FLIPPED = bytes(byte ^ 0xFF for byte in range(256))
_MISSING, _NULL, _FLOAT, _FALSE, _TRUE = 0x01, 0x03, 0x0D, 0x0E, 0x0F
_TEXT, _BYTES, _ARRAY, _OBJECT = 0x10, 0x11, 0x12, 0x15
_INTEGERS = range(0x04, 0x0D)

FIRST_NUMBER = bytes([_INTEGERS.start])
"""No number's encoding is below this, and no value below it is a number."""

AFTER_NUMBERS = bytes([_FALSE])
"""Every number's encoding is below this."""


def key_number(key: bytes, position: int) -> float | int | None:
    """Return the number that is the field at ``position`` of a key, None if it is none."""
    start = 0
    for _ in range(position):
        start = _after(key, start)
    tag = key[start]
    if tag == _FLOAT:
        return _decode_float(key[start + 1 : start + 9])
    if tag in _INTEGERS:
        return int.from_bytes(key[start + 1 : start + 1 + _integer_length(tag)], signed=True)
    return None


def _after(key: bytes, start: int) -> int:
    """Return where the value ends that begins at ``start``."""
    tag, start = key[start], start + 1
    if tag in (_MISSING, _NULL, _FALSE, _TRUE):
        return start
    if tag == _FLOAT:
        return start + 8
    if tag in _INTEGERS:
        return start + _integer_length(tag)
    if tag in (_TEXT, _BYTES):
        return key.index(0, start) + 1
    while key[start] != 0:
        if tag == _OBJECT:
            start = key.index(0, start) + 1
        start = _after(key, start)
    return start + 1


def _integer_length(tag: int) -> int:
    """Return in how many bytes an integer is encoded: none for 0, then 1, 2, 4, 8."""
    distance = abs(tag - 8)
    return 0 if distance == 0 else 1 << (distance - 1)


def _decode_float(data: bytes) -> float:
    is_negative = data[0] < 0x80
    raw = data.translate(_FLIPPED) if is_negative else bytes((data[0] & 0x7F,)) + data[1:]
    number: float = _DOUBLE.unpack(raw)[0]
    return number
