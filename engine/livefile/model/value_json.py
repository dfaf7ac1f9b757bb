"""The JSON forms of a value: the protocol's encoding, and the lossy one of its HTTP interface.

JSON has one kind of number and no bytes, so the protocol writes an Int64, bytes and the floats
that JSON lacks as objects with one ``$`` key. Most values need none of them: both directions walk
the tree and return every part that needs no change as the same object.

Not here: the limits of a value. After decoding, ``value.check_value`` checks them.
"""

import binascii
import struct
from collections.abc import Callable
from math import copysign, isfinite, isnan
from typing import TypeAlias

import orjson

from livefile.model.value import Value
from livefile.vocabulary.errors import InvalidValueError
from livefile.vocabulary.limits import VALUE_NESTING_MAX

_INT64 = struct.Struct("<q")
_DOUBLE = struct.Struct("<d")

# Types whose every value is itself in JSON.
_PLAIN = frozenset({str, bool, type(None)})

_LeafEncoder: TypeAlias = Callable[[int | float | bytes], object]


def to_json(value: Value) -> bytes:
    """Return the protocol's JSON text of a value; floats have a fraction, as in ``1.0``.

    Raises:
        InvalidValueError: nested too deep, or a text that is not valid Unicode.
    """
    try:
        return orjson.dumps(_encode(value, _wire_leaf, 1))
    except orjson.JSONEncodeError as error:
        raise InvalidValueError(f"The value cannot be written as JSON: {error}") from error


def to_wire(value: Value) -> object:
    """Return the tree that ``orjson.dumps`` writes as the protocol's JSON.

    The tree shares every part that needs no change with ``value``.

    Raises:
        InvalidValueError: nested too deep.
    """
    return _encode(value, _wire_leaf, 1)


def to_clean(value: Value) -> object:
    """Return the tree of the lossy ``json`` format: Int64 as digits, bytes as base64.

    Raises:
        InvalidValueError: nested too deep.
    """
    return _encode(value, _clean_leaf, 1)


def from_json(data: bytes | str) -> Value:
    """Return the value that a JSON text of the protocol stands for.

    Raises:
        InvalidValueError: no JSON, a ``$`` object that does not stand for a value, or too deep.
    """
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidValueError(f"Invalid JSON: {error}") from error
    return _decode(tree, 1)


def from_wire(tree: object) -> Value:
    """Return the value that a tree of decoded JSON stands for; every JSON number is a float.

    Raises:
        InvalidValueError: a ``$`` object that does not stand for a value, or nested too deep.
    """
    return _decode(tree, 1)


# --- Encoding --------------------------------------------------------------------------------


def _encode(value: Value, encode_leaf: _LeafEncoder, depth: int) -> object:
    if isinstance(value, dict):
        _check_depth(depth)
        fields: dict[str, object] | None = None
        for name, item in value.items():
            # The usual leaves, without a call: ``_is_plain`` written out.
            if type(item) in _PLAIN:
                continue
            if type(item) is float and item - item == 0.0 and (item or copysign(1.0, item) > 0.0):
                continue
            encoded = _encode(item, encode_leaf, depth + 1)
            if encoded is not item:
                if fields is None:
                    fields = dict(value)
                fields[name] = encoded
        return value if fields is None else fields
    if isinstance(value, list):
        _check_depth(depth)
        items: list[object] | None = None
        for position, item in enumerate(value):
            if type(item) in _PLAIN:
                continue
            if type(item) is float and item - item == 0.0 and (item or copysign(1.0, item) > 0.0):
                continue
            encoded = _encode(item, encode_leaf, depth + 1)
            if encoded is not item:
                if items is None:
                    items = list(value)
                items[position] = encoded
        return value if items is None else items
    if _is_plain(value):
        return value
    return encode_leaf(value)  # type: ignore[arg-type]  # What is left.


def _is_plain(leaf: object) -> bool:
    """Return whether a leaf is itself in both formats: so is a finite float, but not -0.0."""
    if type(leaf) is float:
        return leaf - leaf == 0.0 and (leaf != 0.0 or copysign(1.0, leaf) > 0.0)
    return type(leaf) in _PLAIN


def _wire_leaf(value: int | float | bytes) -> object:
    if isinstance(value, float):
        return {"$float": _base64(_DOUBLE.pack(value))}
    if isinstance(value, bytes):
        return {"$bytes": _base64(value)}
    try:
        return {"$integer": _base64(_INT64.pack(value))}
    except struct.error as error:
        raise InvalidValueError("An integer does not fit into 64 bits") from error


def _clean_leaf(value: int | float | bytes) -> object:
    if isinstance(value, float):
        if isfinite(value):
            return value
        if isnan(value):
            return "NaN"
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return _base64(value)
    return str(value)


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


# --- Decoding --------------------------------------------------------------------------------


def _decode(tree: object, depth: int) -> Value:
    kind = type(tree)
    if kind is str or kind is float or tree is None or kind is bool:
        return tree  # type: ignore[return-value]  # By kind.
    if kind is int:
        return _number(tree)  # type: ignore[arg-type]  # By kind.
    if isinstance(tree, dict):
        if len(tree) == 1:
            (name,) = tree
            if name[:1] == "$":
                return _decode_special(name, tree[name])
        _check_depth(depth)
        fields: dict[str, Value] | None = None
        for name, item in tree.items():
            if type(item) is str:
                continue  # The usual leaf; saves the call.
            decoded = _decode(item, depth + 1)
            if decoded is not item:
                if fields is None:
                    fields = dict(tree)
                fields[name] = decoded
        return tree if fields is None else fields
    if isinstance(tree, list):
        _check_depth(depth)
        items: list[Value] | None = None
        for position, item in enumerate(tree):
            if type(item) is str:
                continue
            decoded = _decode(item, depth + 1)
            if decoded is not item:
                if items is None:
                    items = list(tree)
                items[position] = decoded
        return tree if items is None else items
    raise InvalidValueError(f"{type(tree).__name__} is not JSON")


def _number(number: int) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise InvalidValueError("A JSON number is too large for a double") from error


def _decode_special(name: str, content: object) -> Value:
    if name == "$integer":
        return int(_INT64.unpack(_from_base64(name, content, 8))[0])
    if name == "$bytes":
        return _from_base64(name, content, None)
    if name == "$float":
        number = float(_DOUBLE.unpack(_from_base64(name, content, 8))[0])
        if isfinite(number) and number != 0.0:
            raise InvalidValueError(f"Float {number} should be encoded as a plain JSON number")
        return number
    if name == "$set" or name == "$map":
        raise InvalidValueError(f"Object with the key {name}: sets and maps are not supported")
    if name == "$undefined":
        raise InvalidValueError("undefined is not a value: leave the field out instead")
    if name == "$commitTs":
        raise InvalidValueError(
            "A commit timestamp exists only inside a mutation; it cannot be passed as a value"
        )
    raise InvalidValueError(f"Field name {name} starts with '$', which is reserved.")


def _from_base64(name: str, content: object, length: int | None) -> bytes:
    if type(content) is not str:
        raise InvalidValueError(f"{name} must hold a base64 string, not {type(content).__name__}")
    try:
        data = binascii.a2b_base64(content, strict_mode=True)
    except ValueError as error:  # binascii.Error is one; so is a text beyond ASCII.
        raise InvalidValueError(f"{name} does not hold valid base64: {error}") from error
    if length is not None and len(data) != length:
        raise InvalidValueError(f"{name} must hold {length} bytes, not {len(data)}")
    return data


def _check_depth(depth: int) -> None:
    if depth > VALUE_NESTING_MAX:
        raise InvalidValueError(
            f"Value is too nested (nested {depth} levels deep > maximum nesting "
            f"{VALUE_NESTING_MAX})"
        )
