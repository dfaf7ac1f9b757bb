"""The values that Livefile stores and sends: their domain, their limits and their measures.

Inside the engine a Python ``int`` is the wire's Int64 and a ``float`` is its Float64. Users write
plain ints where they mean numbers, so ``normalize`` stands at the border: it turns what user code
hands in into a ``Value``. A value that arrives already decoded passes ``check_value`` instead.

Not here: the JSON form (``value_json.py``), the stored form (``value_packed.py``) and the order
(``index_key.py``).
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pydantic_core import CoreSchema, core_schema

from livefile.vocabulary.errors import InvalidValueError
from livefile.vocabulary.limits import (
    ARRAY_LENGTH_MAX,
    FIELD_NAME_LENGTH_MAX,
    KIB,
    MIB,
    OBJECT_FIELDS_MAX,
    VALUE_NESTING_MAX,
    VALUE_SIZE_BYTES_MAX,
)

Value: TypeAlias = bool | int | float | str | bytes | list["Value"] | dict[str, "Value"] | None

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

# Up to here every int is one double, so that reading it as a number loses nothing.
_FLOAT_INTEGER_MAX = 2**53

# As many fields as there may be, each as long as this, are within the limits of size.
_SHORT_TEXT = 1_000


class Int64(int):
    """A 64-bit integer of the protocol, where a plain Python int means a number (Float64).

    Arithmetic gives plain ints again: write ``Int64(a + b)``. In a pydantic model it is a field
    type that takes ints only.
    """

    __slots__ = ()

    def __new__(cls, value: int) -> "Int64":
        """Mark an int.

        Raises:
            InvalidValueError: it is no int, or does not fit into 64 bits.
        """
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidValueError(f"Int64 takes an int, not {type(value).__name__}")
        if not INT64_MIN <= value <= INT64_MAX:
            raise InvalidValueError(f"{value} does not fit into a 64-bit integer")
        return super().__new__(cls, value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        # Any: pydantic's hook; neither argument is used.
        #
        # Strict, because a Float64 such as 3.0 is another value than the Int64 3.
        integer = core_schema.int_schema(strict=True, ge=INT64_MIN, le=INT64_MAX)
        return core_schema.no_info_after_validator_function(cls, integer)


class _FaultError(Exception):
    """What is wrong with a part of a value; the path grows while the stack unwinds."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.steps: list[str] = []  # Innermost first.

    def as_invalid_value(self) -> InvalidValueError:
        path = "".join(reversed(self.steps))
        return InvalidValueError(f"{self.text}\nPath: {path}" if path else self.text)


def normalize(thing: object) -> Value:
    """Return a user's object as a ``Value`` that shares no container with it.

    A plain int becomes a float, an ``Int64`` an int; tuples and other sequences become lists.

    Raises:
        InvalidValueError: some part is no value or over a limit; the message has its path.
    """
    try:
        value, size = _copy(thing, 1)
        if size > VALUE_SIZE_BYTES_MAX:
            raise _FaultError(too_large_text(size, VALUE_SIZE_BYTES_MAX))
    except _FaultError as fault:
        raise fault.as_invalid_value() from None
    return value


def check_value(value: object) -> int:
    """Check a decoded value against all limits and return its size in bytes.

    Raises:
        InvalidValueError: some part is no value or over a limit; the message has its path.
    """
    try:
        size = _check(value, 1)
        if size > VALUE_SIZE_BYTES_MAX:
            raise _FaultError(too_large_text(size, VALUE_SIZE_BYTES_MAX))
    except _FaultError as fault:
        raise fault.as_invalid_value() from None
    return size


def is_surely_small(fields: Mapping[str, object]) -> bool:
    """Return whether all of these are values and far within every limit, as a quick look tells.

    It does not look at names, and takes only what needs no walk: short ASCII texts and floats.
    """
    for item in fields.values():
        kind = type(item)
        if kind is str:
            text: str = item  # type: ignore[assignment]  # By kind.
            if len(text) > _SHORT_TEXT or not text.isascii():
                return False
        elif kind is not float:
            return False
    return len(fields) <= OBJECT_FIELDS_MAX


def size_bytes(value: Value) -> int:
    """Return the protocol's size of a value; it is neither that of its JSON nor as stored."""
    kind = type(value)
    if isinstance(value, str):
        return 2 + (len(value) if value.isascii() else len(value.encode()))
    if kind is float or kind is int:
        return 9
    if isinstance(value, dict):
        size = 2
        for name, item in value.items():
            size += len(name) + 1 + size_bytes(item)
        return size
    if isinstance(value, list):
        return 2 + sum(map(size_bytes, value))
    if isinstance(value, bytes):
        return 2 + len(value)
    return 1


def nesting(value: Value) -> int:
    """Return how many containers are inside each other: 0 for a primitive, 1 for ``[]``."""
    if isinstance(value, dict):
        return 1 + max(map(nesting, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(nesting, value), default=0)
    return 0


def size_text(size: int) -> str:
    """Return a number of bytes as the protocol's messages print it: ``1 MiB``, ``1.50 KiB``."""
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}" if size % unit == 0 else f"{size / unit:.2f} {name}"
    return f"{size} B"


# --- The walk of normalize -------------------------------------------------------------------


# Returns the value and its size. ``depth`` is what the nesting becomes if this is a container.
def _copy(thing: object, depth: int) -> tuple[Value, int]:
    kind = type(thing)
    if kind is str:
        return thing, 2 + _text_length(thing)  # type: ignore[arg-type, return-value]  # By kind.
    if thing is None or kind is bool:
        return thing, 1  # type: ignore[return-value]  # By kind.
    if kind is float:
        return thing, 9  # type: ignore[return-value]  # By kind.
    if kind is int:
        return _int_as_float(thing), 9  # type: ignore[arg-type]  # By kind.
    if kind is dict:
        return _copy_object(thing, depth)  # type: ignore[arg-type]  # By kind.
    if kind is list or kind is tuple:
        return _copy_array(thing, depth)  # type: ignore[arg-type]  # By kind.
    return _copy_unusual(thing, depth)


def _copy_unusual(thing: object, depth: int) -> tuple[Value, int]:
    if isinstance(thing, Int64):
        return int(thing), 9
    if isinstance(thing, int):
        return _int_as_float(int(thing)), 9
    if isinstance(thing, float):
        return float(thing), 9
    if isinstance(thing, str):
        # str() of a text enumeration may be its name; this is its text.
        text = str.__str__(thing)
        return text, 2 + _text_length(text)
    if isinstance(thing, (bytes, bytearray, memoryview)):
        data = bytes(thing)
        return data, 2 + len(data)
    if isinstance(thing, Mapping):
        return _copy_object(thing, depth)
    if isinstance(thing, Sequence):
        return _copy_array(thing, depth)
    raise _FaultError(_no_value_text(thing))


def _copy_object(thing: Mapping[object, object], depth: int) -> tuple[Value, int]:
    _check_object_shape(len(thing), depth)
    fields: dict[str, Value] = {}
    size = 2
    for name, item in thing.items():
        if type(name) is not str:
            if not isinstance(name, str):
                raise _FaultError(f"Field name {name!r} is not a string")
            name = str.__str__(name)
        if not (name.isascii() and name.isidentifier() and len(name) <= FIELD_NAME_LENGTH_MAX):
            _check_field_name(name)
        if type(item) is str and item.isascii():  # The usual field, without a call.
            fields[name] = item
            size += len(name) + 3 + len(item)
            continue  # Most fields of most documents, and every write comes here.
        try:
            fields[name], item_size = _copy(item, depth + 1)
        except _FaultError as fault:
            fault.steps.append(f".{name}")
            raise
        size += len(name) + 1 + item_size
    return fields, size


def _copy_array(thing: Sequence[object], depth: int) -> tuple[Value, int]:
    _check_array_shape(len(thing), depth)
    items: list[Value] = []
    size = 2
    for position, item in enumerate(thing):
        try:
            value, item_size = _copy(item, depth + 1)
        except _FaultError as fault:
            fault.steps.append(f"[{position}]")
            raise
        items.append(value)
        size += item_size
    return items, size


def _int_as_float(number: int) -> float:
    if -_FLOAT_INTEGER_MAX <= number <= _FLOAT_INTEGER_MAX:
        return float(number)
    raise _FaultError(f"{_short(number)} is too large for a number: wrap it as Int64 to store it")


# --- The walk of check_value -----------------------------------------------------------------


# Returns the size. Knows exact types only, which is all that a decoder makes.
def _check(value: object, depth: int) -> int:
    kind = type(value)
    if kind is str:
        return 2 + _text_length(value)  # type: ignore[arg-type]  # By kind.
    if value is None or kind is bool:
        return 1
    if kind is float:
        return 9
    if kind is int:
        if not INT64_MIN <= value <= INT64_MAX:  # type: ignore[operator]  # By kind.
            raise _FaultError(f"{_short(value)} does not fit into a 64-bit integer")
        return 9
    if kind is dict:
        return _check_object(value, depth)  # type: ignore[arg-type]  # By kind.
    if kind is list:
        return _check_array(value, depth)  # type: ignore[arg-type]  # By kind.
    if kind is bytes:
        return 2 + len(value)  # type: ignore[arg-type]  # By kind.
    raise _FaultError(_no_value_text(value))


def _check_object(fields: dict[object, object], depth: int) -> int:
    _check_object_shape(len(fields), depth)
    size = 2
    for name, item in fields.items():
        if type(name) is not str:
            raise _FaultError(f"Field name {name!r} is not a string")
        if not (name.isascii() and name.isidentifier() and len(name) <= FIELD_NAME_LENGTH_MAX):
            _check_field_name(name)
        if type(item) is str and item.isascii():  # The usual field, without a call.
            size += len(name) + 3 + len(item)
            continue  # Most fields of most documents, and every write comes here.
        try:
            size += len(name) + 1 + _check(item, depth + 1)
        except _FaultError as fault:
            fault.steps.append(f".{name}")
            raise
    return size


def _check_array(items: list[object], depth: int) -> int:
    _check_array_shape(len(items), depth)
    size = 2
    for position, item in enumerate(items):
        try:
            size += _check(item, depth + 1)
        except _FaultError as fault:
            fault.steps.append(f"[{position}]")
            raise
    return size


# --- The rules -------------------------------------------------------------------------------


def _check_object_shape(fields_count: int, depth: int) -> None:
    if fields_count > OBJECT_FIELDS_MAX:
        raise _FaultError(
            f"Object has too many fields ({fields_count} > maximum number {OBJECT_FIELDS_MAX})"
        )
    if depth > VALUE_NESTING_MAX:
        raise _FaultError(_too_nested_text(depth))


def _check_array_shape(length: int, depth: int) -> None:
    if length > ARRAY_LENGTH_MAX:
        raise _FaultError(
            f"Array length is too long ({length} > maximum length {ARRAY_LENGTH_MAX})"
        )
    if depth > VALUE_NESTING_MAX:
        raise _FaultError(_too_nested_text(depth))


# The callers test the usual case themselves, because this runs for every field of every call.
def _check_field_name(name: str) -> None:
    if len(name) > FIELD_NAME_LENGTH_MAX:
        raise _FaultError(f"Field name is too long ({len(name)} > maximum {FIELD_NAME_LENGTH_MAX})")
    if name.startswith("$"):
        raise _FaultError(f"Field name {name} starts with '$', which is reserved.")
    for character in name:
        if not " " <= character <= "~":
            shown = character if character.isprintable() else ascii(character)[1:-1]
            raise _FaultError(
                f"Field name {_without_surrogates(name)} has invalid character '{shown}': "
                "Field names can only contain non-control ASCII characters"
            )


def _text_length(text: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise _FaultError(
            f"String has a lone surrogate U+{code:04X} at character {error.start}; "
            "strings must be valid Unicode"
        ) from None


def _no_value_text(thing: object) -> str:
    return (
        f"{type(thing).__name__} is not a value that can be stored or sent: {_short(thing)}. "
        "Use None, bool, int, float, Int64, str, bytes, a list or a dict"
    )


def _short(thing: object) -> str:
    try:
        text = repr(thing)
    except ValueError:  # An int of thousands of digits.
        text = "an integer of thousands of digits"
    return _without_surrogates(text if len(text) <= 100 else text[:97] + "...")


# The message itself goes out as JSON.
def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def too_large_text(size: int, size_max: int) -> str:
    """Return the protocol's text about a value that is too large."""
    return f"Value is too large ({size_text(size)} > maximum size {size_text(size_max)})"


def _too_nested_text(depth: int) -> str:
    return f"Value is too nested (nested {depth} levels deep > maximum nesting {VALUE_NESTING_MAX})"
