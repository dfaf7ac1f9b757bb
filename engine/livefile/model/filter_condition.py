"""What a filter expression means for the documents of one table.

Comparisons follow the order of index keys, so a filter and a range of an index never disagree: a
missing field is below null and equal to nothing else, and a 64-bit integer is below every number.
Arithmetic takes two numbers or two 64-bit integers; a condition must be true or false. Everything
else is an error that names the values.

Not here: building expressions (``filter_expression.py``); running a query (``functions/``).
"""

import math
import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from livefile.model.annotation import Annotation, ForeignObjectError, value_of
from livefile.model.filter_expression import CONSTANT, FIELD, Expression
from livefile.model.index_key import MISSING, Missing, encode_value
from livefile.model.validator import show, trusted_tables
from livefile.model.value import INT64_MAX, INT64_MIN, Value
from livefile.vocabulary.errors import FilterError, ValidationError

Document = Mapping[str, Value]
Computed = Value | Missing
Compute = Callable[[Document], Computed]

# Any: the constants of an expression are Python objects of every type.

# What the fields of every document are called in Python and in the protocol.
_SYSTEM_NAMES = {"id": "_id", "creation_time": "_creationTime"}

_COMPARISONS: Mapping[str, Callable[[bytes, bytes], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


class FilterCondition:
    """An expression for the documents of one table.

    ``form`` is the expression as a value: two conditions that mean the same by their text have
    the same form.
    """

    def __init__(
        self,
        expression: Expression,
        table: str,
        annotations: Mapping[str, Annotation] | None = None,
        defaults: Document | None = None,
    ) -> None:
        """Take the fields of the table, None for one without a schema.

        ``defaults`` stand in for fields that a document is too old to have.

        Raises:
            FilterError: the table has no such field.
        """
        scope = _Scope(table, annotations, defaults or {})
        self.form = scope.form(expression)
        self._compute = scope.compute(expression)

    def holds(self, document: Document) -> bool:
        """Return whether the document meets the condition.

        Raises:
            FilterError: an operator cannot take what a field holds.
        """
        return _truth(self._compute(document), "a filter")


class _Scope:
    """The fields that an expression may name, and what constants beside them are."""

    def __init__(
        self, table: str, annotations: Mapping[str, Annotation] | None, defaults: Document
    ) -> None:
        self._table = table
        self._annotations = annotations
        self._defaults = defaults

    def compute(self, expression: Expression) -> Compute:
        name, operands = expression.operator, expression.operands
        if name == FIELD:
            path = self._path(expression)
            return _field_reader(path, self._defaults.get(path[0], MISSING))
        if name == CONSTANT:
            constant = self._constant(expression.content, None)
            return lambda document: constant
        if name in _COMPARISONS:
            return _comparison(_COMPARISONS[name], *map(self._key_reader, *self._pair(operands)))
        if name in ("and", "or"):
            return _junction(name, tuple(map(self.compute, operands)))
        if name == "not":
            inner = self.compute(operands[0])
            return lambda document: not _truth(inner(document), "not")
        if name == "neg":
            negated = self.compute(operands[0])
            return lambda document: _negative(negated(document))
        left, right = (self._typed(*pair) for pair in zip(*self._pair(operands), strict=True))
        return lambda document: _arithmetic(name, left(document), right(document))

    def form(self, expression: Expression) -> list[Value]:
        """Return the expression as a value."""
        if expression.operator == FIELD:
            return [FIELD, ".".join(self._path(expression))]
        if expression.operator == CONSTANT:
            return self._constant_form(expression, None)
        operands, annotations = self._pair(expression.operands)
        return [
            expression.operator,
            *(
                self._constant_form(operand, annotation)
                if operand.operator == CONSTANT
                else self.form(operand)
                for operand, annotation in zip(operands, annotations, strict=True)
            ),
        ]

    def _constant_form(self, expression: Expression, annotation: Annotation | None) -> list[Value]:
        constant = self._constant(expression.content, annotation)
        return ["missing"] if isinstance(constant, Missing) else [CONSTANT, constant]

    def _key_reader(
        self, expression: Expression, annotation: Annotation | None
    ) -> Callable[[Document], bytes]:
        """Return what gives an operand's index key: for a constant, always the same one."""
        if expression.operator == CONSTANT:
            key = encode_value(self._constant(expression.content, annotation))
            return lambda document: key
        compute = self.compute(expression)
        return lambda document: encode_value(compute(document))

    def _typed(self, expression: Expression, annotation: Annotation | None) -> Compute:
        if expression.operator == CONSTANT:
            constant = self._constant(expression.content, annotation)
            return lambda document: constant
        return self.compute(expression)

    def _pair(
        self, operands: tuple[Expression, ...]
    ) -> tuple[tuple[Expression, ...], list[Annotation | None]]:
        """Return the operands, and for each what a constant in its place is compared with."""
        found = [self._annotation(operand) for operand in operands]
        known = next((annotation for annotation in found if annotation is not None), None)
        return operands, [known] * len(operands)

    def _annotation(self, expression: Expression) -> Annotation | None:
        """Return what the first field in an expression holds, None if that is not declared."""
        if expression.operator == FIELD:
            path = self._path(expression)
            return self._annotations.get(path[0]) if self._annotations and len(path) == 1 else None
        if expression.operator in ("add", "sub", "mul", "div", "mod", "neg"):
            return self._pair(expression.operands)[1][0]
        return None

    def _constant(self, thing: Any, annotation: Annotation | None) -> Computed:
        """Return a constant as the field beside it would hold it, if it can.

        So 3 is a 64-bit integer beside a field of ``Int64``, and a number elsewhere.
        """
        if isinstance(thing, Missing):
            return thing
        if annotation is not None:
            with suppress(ForeignObjectError, ValidationError):
                return annotation.convert(thing, trusted_tables)
        return value_of(thing)

    def _path(self, expression: Expression) -> tuple[str, ...]:
        path = tuple(str(expression.content).split("."))
        if self._annotations is None:
            return path
        if path[0] in self._annotations:
            return path
        if path[0] in _SYSTEM_NAMES.values():
            return path
        if path[0] in _SYSTEM_NAMES:
            return (_SYSTEM_NAMES[path[0]], *path[1:])
        raise FilterError(
            f"table {self._table} has no field {path[0]!r}; it has "
            f"{', '.join((*_SYSTEM_NAMES, *self._annotations))}"
        )


def _field_reader(path: tuple[str, ...], default: Computed) -> Compute:
    first, *others = path

    def read(document: Document) -> Computed:
        value = document.get(first, default)
        for name in others:
            value = value.get(name, MISSING) if isinstance(value, dict) else MISSING
        return value

    return read if others else lambda document: document.get(first, default)


def _comparison(
    compare: Callable[[bytes, bytes], bool],
    left: Callable[[Document], bytes],
    right: Callable[[Document], bytes],
) -> Compute:
    return lambda document: compare(left(document), right(document))


def _junction(name: str, parts: tuple[Compute, ...]) -> Compute:
    decisive = name == "or"

    def compute(document: Document) -> bool:
        for part in parts:
            if _truth(part(document), name) is decisive:
                return decisive
        return not decisive

    return compute


def _truth(value: Computed, what: str) -> bool:
    if value is True or value is False:
        return value
    raise FilterError(f"{what} takes conditions, got {_shown(value)}; compare it with something")


def _negative(value: Computed) -> Value:
    if type(value) is float:
        return -value
    if type(value) is int:
        return _int64(-value, f"-({value})")
    raise FilterError(f"Cannot negate {_shown(value)}: want a number or a 64-bit integer")


def _arithmetic(name: str, left: Computed, right: Computed) -> Value:
    if type(left) is float and type(right) is float:
        return _of_floats(name, left, right)
    if type(left) is int and type(right) is int:
        return _of_integers(name, left, right)
    raise FilterError(
        f"Cannot {name} {_shown(left)} and {_shown(right)}: want two numbers or two 64-bit integers"
    )


def _of_floats(name: str, left: float, right: float) -> float:
    match name:
        case "add":
            return left + right
        case "sub":
            return left - right
        case "mul":
            return left * right
        case "div":
            if right:
                return left / right
            # As IEEE 754 has it, where Python raises.
            sign = math.copysign(1.0, left) * math.copysign(1.0, right)
            return math.nan if not left or math.isnan(left) else sign * math.inf
    assert name == "mod"
    is_undefined = math.isinf(left) or not right or math.isnan(left)
    return math.nan if is_undefined else math.fmod(left, right)


def _of_integers(name: str, left: int, right: int) -> int:
    shown = f"{name}({left}, {right})"
    match name:
        case "add":
            return _int64(left + right, shown)
        case "sub":
            return _int64(left - right, shown)
        case "mul":
            return _int64(left * right, shown)
    if right == 0:
        raise FilterError(f"{shown}: division by zero")
    quotient = abs(left) // abs(right)  # Towards zero, where Python's goes down.
    if (left < 0) != (right < 0):
        quotient = -quotient
    return _int64(quotient if name == "div" else left - quotient * right, shown)


def _int64(number: int, shown: str) -> int:
    if INT64_MIN <= number <= INT64_MAX:
        return number
    raise FilterError(f"{shown} does not fit into a 64-bit integer")


def _shown(value: Computed) -> str:
    return "a missing field" if isinstance(value, Missing) else show(value)
