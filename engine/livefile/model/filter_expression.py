"""Filter expressions: ``(field("likes") > 3) & (field("channel") == "general")``.

An expression is a description, not a Python condition: it is built once, compared by the order
that indexes have, and belongs to a cursor's fingerprint. Conditions that need Python are written
as a function of the document instead; ``filter`` takes both.

Not here: what an expression means for a document (``filter_condition.py``).
"""

from dataclasses import dataclass
from typing import Any, NoReturn

from livefile.vocabulary.errors import FilterError

# Any: a constant may be whatever a field can hold; it becomes a value when the table is known.

FIELD = "field"
CONSTANT = "constant"


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A field, a constant, or an operator with its operands. Made by ``field`` and operators.

    ``content`` is the path of a field or the object of a constant.
    """

    operator: str
    operands: tuple["Expression", ...] = ()
    content: Any = None

    def __eq__(self, other: object) -> "Expression":  # type: ignore[override]  # An expression.
        return _binary("eq", self, other)

    def __ne__(self, other: object) -> "Expression":  # type: ignore[override]  # As above.
        return _binary("neq", self, other)

    def __lt__(self, other: object) -> "Expression":
        return _binary("lt", self, other)

    def __le__(self, other: object) -> "Expression":
        return _binary("lte", self, other)

    def __gt__(self, other: object) -> "Expression":
        return _binary("gt", self, other)

    def __ge__(self, other: object) -> "Expression":
        return _binary("gte", self, other)

    def __add__(self, other: object) -> "Expression":
        return _binary("add", self, other)

    def __radd__(self, other: object) -> "Expression":
        return _binary("add", other, self)

    def __sub__(self, other: object) -> "Expression":
        return _binary("sub", self, other)

    def __rsub__(self, other: object) -> "Expression":
        return _binary("sub", other, self)

    def __mul__(self, other: object) -> "Expression":
        return _binary("mul", self, other)

    def __rmul__(self, other: object) -> "Expression":
        return _binary("mul", other, self)

    def __truediv__(self, other: object) -> "Expression":
        return _binary("div", self, other)

    def __rtruediv__(self, other: object) -> "Expression":
        return _binary("div", other, self)

    def __mod__(self, other: object) -> "Expression":
        return _binary("mod", self, other)

    def __rmod__(self, other: object) -> "Expression":
        return _binary("mod", other, self)

    def __neg__(self) -> "Expression":
        return Expression("neg", (self,))

    def __and__(self, other: "Expression | bool") -> "Expression":
        return _joined("and", self, other)

    def __rand__(self, other: bool) -> "Expression":
        return _joined("and", other, self)

    def __or__(self, other: "Expression | bool") -> "Expression":
        return _joined("or", self, other)

    def __ror__(self, other: bool) -> "Expression":
        return _joined("or", other, self)

    def __invert__(self) -> "Expression":
        return Expression("not", (self,))

    def __bool__(self) -> NoReturn:
        """Refuse ``and``, ``or``, ``not`` and ``1 < x < 3``, which Python would decide now."""
        raise FilterError(
            "a filter expression is neither true nor false before there is a document: join "
            "comparisons with &, | and ~, each in brackets, and not with and, or, not, if"
        )

    def __repr__(self) -> str:
        if self.operator == FIELD:
            return f"field({self.content!r})"
        if self.operator == CONSTANT:
            return repr(self.content)
        return f"{self.operator}({', '.join(map(repr, self.operands))})"


def field(path: str) -> Expression:
    """Return the field of a document at ``path``; dots lead into objects.

    Whether the table has such a field is checked where the expression is used.
    """
    if not isinstance(path, str) or not path:
        raise FilterError(f"field({path!r}): want the name of a field")
    return Expression(FIELD, content=path)


def _binary(operator: str, left: object, right: object) -> Expression:
    return Expression(operator, (_operand(left), _operand(right)))


def _joined(operator: str, left: object, right: object) -> Expression:
    for operand in (left, right):
        # ``field("a") == 1 & field("b")`` ends up here, because & binds closer than ==.
        if not isinstance(operand, Expression | bool):
            raise FilterError(
                f"{operand!r} is no condition: put each comparison that is joined with & or | "
                "into brackets"
            )
    operands: list[Expression] = []
    for operand in (_operand(left), _operand(right)):
        operands += operand.operands if operand.operator == operator else (operand,)
    return Expression(operator, tuple(operands))


def _operand(thing: object) -> Expression:
    return thing if isinstance(thing, Expression) else Expression(CONSTANT, content=thing)
