"""Hypothesis strategies for values, documents and intervals, with the awkward cases made likely.

``exact`` tells values apart that Python's ``==`` does not: 1 and 1.0 and True, 0.0 and -0.0, the
NaNs among each other.
"""

import struct

from hypothesis import strategies as st

from livefile.model.interval import Interval
from livefile.model.value import INT64_MAX, INT64_MIN, Value

EDGE_INTEGERS = [
    sign * (2**bits + off)
    for bits in (0, 7, 8, 15, 16, 31, 32, 53, 62)
    for off in (-1, 0, 1)
    for sign in (-1, 1)
] + [INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX]

# NUL and U+0001 are escaped in index keys; U+FFFF and U+10000 are out of order in UTF-16.
AWKWARD_CHARACTERS = "\x00\x01\x02 a~\x7f\x80\xff\u0100\ud7ff\ue000\uffff\U00010000\U0010ffff"

_EDGE_BYTES = (0, 1, 255)
UNIVERSE = sorted(
    [b""]
    + [bytes((first,)) for first in _EDGE_BYTES]
    + [bytes((first, second)) for first in _EDGE_BYTES for second in _EDGE_BYTES]
)
"""A few neighbouring keys, in order: small enough to try each one."""


def int64s() -> st.SearchStrategy[int]:
    return st.sampled_from(EDGE_INTEGERS) | st.integers(INT64_MIN, INT64_MAX)


def doubles() -> st.SearchStrategy[float]:
    """All doubles; every NaN, with either sign, is among them."""
    return st.floats() | st.binary(min_size=8, max_size=8).map(_double)


def texts() -> st.SearchStrategy[str]:
    return st.text(max_size=12) | st.text(AWKWARD_CHARACTERS, max_size=4)


def byte_strings() -> st.SearchStrategy[bytes]:
    edge_bytes = st.lists(st.sampled_from((0, 1, 2, 254, 255)), max_size=4).map(bytes)
    return st.binary(max_size=12) | edge_bytes


def primitives() -> st.SearchStrategy[Value]:
    return st.one_of(st.none(), st.booleans(), int64s(), doubles(), texts(), byte_strings())


def field_names() -> st.SearchStrategy[str]:
    """Legal names inside a value, the empty one and ones with a leading underscore too."""
    printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=6)
    few = st.sampled_from(["", " ", "a", "b", "aa", "a.b", "_id", "~"])
    return few | printable.filter(lambda name: not name.startswith("$"))


def values(leaves_max: int = 12) -> st.SearchStrategy[Value]:
    return st.recursive(
        primitives(),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(field_names(), inner, max_size=4)
        ),
        max_leaves=leaves_max,
    )


def documents() -> st.SearchStrategy[dict[str, Value]]:
    """Whole documents, with ``_id`` and ``_creationTime``."""
    user_fields = st.dictionaries(
        field_names().filter(lambda name: not name.startswith("_")), values(), max_size=4
    )
    times = st.floats(0, 1e14)
    return st.builds(
        lambda fields, time: {"_id": "id", "_creationTime": time, **fields}, user_fields, times
    )


def intervals() -> st.SearchStrategy[Interval]:
    """Intervals with both ends in ``UNIVERSE``; about half of them are empty."""
    return st.builds(Interval, st.sampled_from(UNIVERSE), st.sampled_from(UNIVERSE))


def exact(value: object) -> object:
    """Return something that is equal for identical values only."""
    if isinstance(value, float):
        return "float", struct.pack(">d", value)
    if isinstance(value, list):
        return "list", [exact(item) for item in value]
    if isinstance(value, dict):
        return "dict", {name: exact(item) for name, item in value.items()}
    return type(value).__name__, value


def _double(data: bytes) -> float:
    number: float = struct.unpack(">d", data)[0]
    return number
