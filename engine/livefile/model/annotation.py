"""Annotations: the way between Python objects and values, and the validator of both.

The signature of a function and the fields of a table are the schema. Each annotation in them is an
``Annotation``: the validator that the protocol sees, and two conversions. Results convert and
check in one pass, because queries return many documents.

Not here: containers and models (``composite_annotation.py``); which Python annotation means
which of these (``annotation_reader.py``).
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, cast

from pydantic import BaseModel

from livefile.model import validator as v
from livefile.model.value import Int64, Value, normalize
from livefile.vocabulary.errors import InvalidValueError, ValidationError

# Any: this module is the border to user objects of every type.


class ForeignObjectError(Exception):
    """An object that is not of the annotated Python type; the caller takes the slow path."""


class Annotation:
    """One annotation. ``is_plain`` says that value and Python object are the same thing."""

    is_plain = False

    def __init__(self, validator: v.Validator) -> None:
        self.validator = validator

    def to_python(self, value: Value) -> Any:
        """Return the Python object for a value that matches the validator."""
        return value

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the value of a Python object of the annotated type.

        Raises:
            ForeignObjectError: ``thing`` is not of that type.
            ValidationError: it is, but does not meet a constraint.
        """
        raise NotImplementedError

    def to_value(self, thing: Any, table_name: v.TableName, error: type[ValidationError]) -> Value:
        """Return the value of a Python object, or raise ``error`` with the protocol's text."""
        try:
            try:
                return self.convert(thing, table_name)
            except ForeignObjectError:
                value = value_of(thing)
            if found := self.validator.mismatch(value, table_name):
                raise error(str(found))
            self.to_python(value)  # Meets the constraints that the validator does not know.
        except ValidationError as found:
            raise error(str(found)) from found
        return value

    def for_stored(self) -> "Annotation":
        """Return the annotation for values that were checked when they were written."""
        return self


class PlainAnnotation(Annotation):
    """A type whose Python objects are values already."""

    is_plain = True

    def __init__(self, validator: v.Primitive) -> None:
        super().__init__(validator)
        self._type = validator.python_type

    def to_value(self, thing: Any, table_name: v.TableName, error: type[ValidationError]) -> Value:
        """Return ``thing`` itself; an ASCII text has no surrogates, so it needs no further look."""
        if type(thing) is self._type and (type(thing) is not str or thing.isascii()):
            return cast(Value, thing)
        return super().to_value(thing, table_name, error)

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return ``thing`` itself."""
        if type(thing) is not self._type:
            raise ForeignObjectError
        if self._type is str:
            return normalize(thing)  # Refuses lone surrogates.
        return cast(Value, thing)


class IntegerAnnotation(Annotation):
    """``int``: a number without a fraction. On the wire it is a float like every number."""

    def to_python(self, value: Value) -> int:
        """Return the number as an ``int``."""
        return int(cast(float, value))

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the number as a float."""
        if type(thing) is not int:
            raise ForeignObjectError
        return normalize(thing)


class FloatAnnotation(Annotation):
    """``float``. Whole numbers written without a point are welcome."""

    is_plain = True

    def to_value(self, thing: Any, table_name: v.TableName, error: type[ValidationError]) -> Value:
        """Return the number as a float."""
        return thing if type(thing) is float else super().to_value(thing, table_name, error)

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the number as a float."""
        if type(thing) is float:
            return thing
        if type(thing) is not int:
            raise ForeignObjectError
        return normalize(thing)


class Int64Annotation(Annotation):
    """``Int64``: the protocol's 64-bit integer."""

    def to_python(self, value: Value) -> Int64:
        """Return the integer, marked."""
        return Int64(cast(int, value))

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the integer. A plain ``int`` is taken for one, since the type is known."""
        if isinstance(thing, bool) or not isinstance(thing, int):
            raise ForeignObjectError
        return int(Int64(thing))


class IdAnnotation(Annotation):
    """``Id[Table]``: a string."""

    is_plain = True

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the id if it is one of the right table."""
        if type(thing) is not str or self.validator.mismatch(thing, table_name):
            raise ForeignObjectError
        return thing


class AnyAnnotation(Annotation):
    """``Any``: every value. Integers of the protocol arrive as ``Int64``."""

    def to_python(self, value: Value) -> Any:
        """Return the value with its 64-bit integers marked, so that they stay integers."""
        return mark_integers(value)

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the value of any object that has one."""
        return value_of(thing)


class LiteralAnnotation(Annotation):
    """``Literal[...]`` and enums: one of a few constants."""

    def __init__(self, constants: Sequence[Any]) -> None:
        """Take the constants: primitives, or members of an enum."""
        values = [_constant_value(constant) for constant in constants]
        members = [v.Literal(value=cast(Any, value)) for value in values]
        super().__init__(members[0] if len(members) == 1 else v.Union(members=tuple(members)))
        # By type, too: 1.0 and True are one key of a dictionary.
        self._constants = {(type(x), x): c for x, c in zip(values, constants, strict=True)}

    def to_python(self, value: Value) -> Any:
        """Return the constant."""
        return self._constants[type(value), value]

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the value of the constant."""
        try:
            value = _constant_value(thing)
        except InvalidValueError:
            raise ForeignObjectError from None
        if self.validator.mismatch(value, table_name):
            raise ForeignObjectError
        return value


def _constant_value(thing: Any) -> Value:
    return normalize(thing.value if isinstance(thing, Enum) else thing)


def mark_integers(value: Value) -> Any:
    """Return ``value`` with every 64-bit integer as an ``Int64``, for code without types."""
    match value:
        case bool():
            return value
        case int():
            return Int64(value)
        case list():
            return [mark_integers(item) for item in value]
        case dict():
            return {key: mark_integers(item) for key, item in value.items()}
    return value


def value_of(thing: Any) -> Value:
    """Return the value of an object without looking at annotations; documents may be inside.

    Raises:
        InvalidValueError: some part is no value.
    """
    return normalize(_without_models(thing))


def _without_models(thing: Any) -> Any:
    if isinstance(thing, BaseModel):
        if hasattr(thing, "_stored"):  # A document: its integers are those of the protocol.
            return mark_integers(thing._stored)
        return {name: _without_models(getattr(thing, name)) for name in type(thing).model_fields}
    if isinstance(thing, Mapping):
        return {key: _without_models(item) for key, item in thing.items()}
    if isinstance(thing, list | tuple):
        return [_without_models(item) for item in thing]
    return thing
