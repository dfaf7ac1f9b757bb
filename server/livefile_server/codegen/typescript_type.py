"""TypeScript types as a small tree, and how such a tree is laid out in lines.

A type that fits stays on its line; one that does not breaks at its outermost brackets, as the
usual formatters do. The result depends on the tree alone, so equal apps give equal files.

Not here: which type stands for which validator (``codegen/typescript_validator.py``).
"""

import json
import re
from dataclasses import dataclass

LINE_COLUMNS_MAX = 100
INDENT_COLUMNS = 2

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")


class TypescriptType:
    """The root of all types. ``str()`` gives the type on one line."""

    __slots__ = ()

    def broken(self, indent: int) -> str:
        """Return the type over several lines; ``indent`` is that of the line it begins on."""
        return str(self)

    def layout(self, indent: int, columns_used: int) -> str:
        """Return the type on one line if it fits beside ``columns_used``, else broken."""
        flat = str(self)
        fits = columns_used + len(flat) <= LINE_COLUMNS_MAX and "\n" not in flat
        return flat if fits else self.broken(indent)


@dataclass(frozen=True, slots=True)
class Name(TypescriptType):
    """A type that is never broken: ``string``, ``Id<"users">``, a literal."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Generic(TypescriptType):
    """A name with type arguments: ``Array<string>``."""

    name: str
    arguments: tuple[TypescriptType, ...]

    def broken(self, indent: int) -> str:
        """Return one line for each argument."""
        inner = indent + INDENT_COLUMNS
        lines = (
            _after("\n" + " " * inner, argument.layout(inner, inner + len(",")))
            for argument in self.arguments
        )
        return f"{self.name}<" + ",".join(lines) + f"\n{' ' * indent}>"

    def __str__(self) -> str:
        return f"{self.name}<{', '.join(str(argument) for argument in self.arguments)}>"


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object type."""

    name: str
    type: TypescriptType
    is_optional: bool = False

    def __str__(self) -> str:
        return f"{self.label()}{self.type}"

    def label(self) -> str:
        """Return what stands before the type."""
        return f"{property_name(self.name)}{'?' if self.is_optional else ''}: "


@dataclass(frozen=True, slots=True)
class ObjectType(TypescriptType):
    """Properties in braces. ``is_block`` breaks it even where it would fit."""

    properties: tuple[Property, ...]
    is_block: bool = False

    def broken(self, indent: int) -> str:
        """Return one line or more for each property."""
        inner = indent + INDENT_COLUMNS
        lines: list[str] = []
        for item in self.properties:
            label = item.label()
            text = item.type.layout(inner, inner + len(label) + len(";"))
            lines.append(_after(" " * inner + label, text) + ";\n")
        return "{\n" + "".join(lines) + " " * indent + "}"

    def layout(self, indent: int, columns_used: int) -> str:
        """Return the type on one line if it fits and is no block."""
        if self.is_block and self.properties:
            return self.broken(indent)
        # Named, because super() does not work in a class with slots made by dataclass.
        return TypescriptType.layout(self, indent, columns_used)

    def __str__(self) -> str:
        if not self.properties:
            return "{}"
        return f"{{ {'; '.join(str(item) for item in self.properties)} }}"


@dataclass(frozen=True, slots=True)
class Joined(TypescriptType):
    """Members of a union (``|``) or an intersection (``&``), without doubles."""

    operator: str
    members: tuple[TypescriptType, ...]

    def broken(self, indent: int) -> str:
        """Return one line or more for each member."""
        inner = indent + INDENT_COLUMNS
        lead = f"\n{' ' * inner}{self.operator} "
        return "".join(
            lead + member.layout(inner, inner + len(self.operator) + len(" ;"))
            for member in self.members
        )

    def __str__(self) -> str:
        return f" {self.operator} ".join(str(member) for member in self.members)


def _after(beginning: str, text: str) -> str:
    """Join a line's beginning and a type; one that begins on a new line leaves no blanks."""
    return (beginning.rstrip() if text.startswith("\n") else beginning) + text


def union(members: tuple[TypescriptType, ...]) -> TypescriptType:
    """Return the union of ``members`` without doubles."""
    distinct = tuple({str(member): member for member in members}.values())
    if not distinct:
        return Name("never")
    return distinct[0] if len(distinct) == 1 else Joined("|", distinct)


def property_name(name: str) -> str:
    """Return ``name`` as the key of a property, quoted when it is no identifier."""
    return name if _IDENTIFIER.match(name) else quoted(name)


def quoted(text: str) -> str:
    """Return ``text`` as a string literal."""
    return json.dumps(text, ensure_ascii=False)
