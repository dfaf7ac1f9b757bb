"""Validators: what a value must look like, and the protocol's words for why it does not.

A validator is a small tree of frozen records. It is made from Python annotations
(``model/annotation.py``), printed in the protocol's notation (``v.object({body: v.string()})``)
and read by code generators, so the tree is the one language-neutral description of a type.

Not here: Python objects (``model/annotation.py``); limits of size and depth (``model/value.py``).
"""

import dataclasses
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from livefile.model.document_id import decode_document_id
from livefile.model.value import Value
from livefile.vocabulary.errors import InvalidDocumentIdError

TableName = Callable[[int], str | None]
"""Tells the name of a table by its number, None if there is no such table."""

ANY_TABLE = "*"


def trusted_tables(table_number: int) -> str:
    """Answer for values whose ids were checked before: every table is the right one."""
    return ANY_TABLE


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a value does not match: the sentence, where, and what was seen and wanted."""

    sentence: str
    details: tuple[str, ...] = ()
    path: str = ""

    def inside(self, step: str) -> "Mismatch":
        """Return the same mismatch as seen from the container, one ``step`` further out."""
        return Mismatch(sentence=self.sentence, details=self.details, path=step + self.path)

    def __str__(self) -> str:
        lines = [self.sentence]
        if self.path:
            lines.append(f"Path: {self.path}")
        elif self.details:
            lines.append("")
        return "\n".join([*lines, *self.details])


@dataclass(frozen=True, slots=True)
class Validator:
    """The root of all validators. ``str()`` gives the protocol's notation."""

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return the first reason why ``value`` does not match, None if it does."""
        raise NotImplementedError

    def _no_match(self, value: Value) -> Mismatch:
        return Mismatch(
            sentence="Value does not match validator.",
            details=(f"Value: {show(value)}", f"Validator: {self}"),
        )


@dataclass(frozen=True, slots=True)
class AnyValue(Validator):
    """Every value."""

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return None."""
        return None

    def __str__(self) -> str:
        return "v.any()"


@dataclass(frozen=True, slots=True)
class Primitive(Validator):
    """Every value of one primitive type. ``name`` is the protocol's (``float64``, ``null`` ...).

    ``is_whole`` narrows ``float64`` to numbers without a fraction: Python's ``int``.
    """

    name: str
    python_type: type
    is_whole: bool = False

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return why ``value`` is not of this type."""
        if type(value) is not self.python_type:
            return self._no_match(value)
        if self.is_whole and not value.is_integer():  # type: ignore[union-attr]  # A float.
            return Mismatch(
                sentence="Value does not match validator.",
                details=(f"Value: {show(value)}", f"Validator: {self} (a whole number)"),
            )
        return None

    def __str__(self) -> str:
        return f"v.{self.name}()"


NULL = Primitive(name="null", python_type=type(None))
BOOLEAN = Primitive(name="boolean", python_type=bool)
FLOAT64 = Primitive(name="float64", python_type=float)
WHOLE_FLOAT64 = Primitive(name="float64", python_type=float, is_whole=True)
INT64 = Primitive(name="int64", python_type=int)
STRING = Primitive(name="string", python_type=str)
BYTES = Primitive(name="bytes", python_type=bytes)
ANY = AnyValue()


@dataclass(frozen=True, slots=True)
class IdOf(Validator):
    """The id of a document of one table. The document need not exist."""

    table: str

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return why ``value`` is no id of a document of this table."""
        if type(value) is not str:
            return self._no_match(value)
        try:
            table_number, _ = decode_document_id(value)
        except InvalidDocumentIdError:
            return self._no_match(value)
        found = table_name(table_number)
        if found in (self.table, ANY_TABLE):
            return None
        if found is None:
            return self._no_match(value)
        return Mismatch(
            sentence=f'Found ID "{value}" from table `{found}`, which does not match the table '
            f"name in validator `{self}`."
        )

    def __str__(self) -> str:
        return f'v.id("{self.table}")'


@dataclass(frozen=True, slots=True)
class Literal(Validator):
    """Exactly one boolean, number, int64 or string."""

    value: bool | int | float | str

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return why ``value`` is another one."""
        if type(value) is type(self.value) and value == self.value:
            return None
        return Mismatch(sentence=f"`{show(value)}` does not match literal validator `{self}`.")

    def __str__(self) -> str:
        return f"v.literal({show(self.value)})"


@dataclass(frozen=True, slots=True)
class Array(Validator):
    """A list whose items all match."""

    item: Validator

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return why ``value`` is no such list."""
        if type(value) is not list:
            return self._no_match(value)
        for position, item in enumerate(value):
            if found := self.item.mismatch(item, table_name):
                return found.inside(f"[{position}]")
        return None

    def __str__(self) -> str:
        return f"v.array({self.item})"


@dataclass(frozen=True, slots=True)
class Record(Validator):
    """An object with any keys, all matching one validator, and values matching another."""

    key: Validator
    value: Validator

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return why ``value`` is no such object."""
        if type(value) is not dict:
            return self._no_match(value)
        for key, item in value.items():
            found = self.key.mismatch(key, table_name) or self.value.mismatch(item, table_name)
            if found:
                return found.inside(f".{key}")
        return None

    def __str__(self) -> str:
        return f"v.record({self.key}, {self.value})"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object. An optional one may be absent, which is not the same as null."""

    validator: Validator
    is_optional: bool = False
    plain_type: type | None = dataclasses.field(default=None, init=False, compare=False, repr=False)
    """The one type of values that match, whatever they are, if there is one."""

    def __post_init__(self) -> None:
        validator = self.validator
        if isinstance(validator, Primitive) and not validator.is_whole:
            object.__setattr__(self, "plain_type", validator.python_type)

    def __str__(self) -> str:
        return f"v.optional({self.validator})" if self.is_optional else str(self.validator)


@dataclass(frozen=True, slots=True)
class Object(Validator):
    """An object with exactly these fields."""

    fields: Mapping[str, Field]

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return why ``value`` is no such object."""
        if type(value) is not dict:
            return self._no_match(value)
        known_count = 0
        for name, field in self.fields.items():
            if name in value:
                known_count += 1
                item = value[name]
                if type(item) is field.plain_type:
                    continue  # The usual field, without a call.
                if found := field.validator.mismatch(item, table_name):
                    return found.inside(f".{name}")
            elif not field.is_optional:
                return self._object_mismatch(
                    f"Object is missing the required field `{name}`. Consider wrapping the field "
                    "validator in `v.optional(...)` if this is expected.",
                    value,
                )
        if known_count < len(value):
            for name in value:
                if name not in self.fields:
                    return self._object_mismatch(
                        f"Object contains extra field `{name}` that is not in the validator.",
                        value,
                    )
        return None

    def _object_mismatch(self, sentence: str, value: Value) -> Mismatch:
        return Mismatch(sentence=sentence, details=(f"Object: {show(value)}", f"Validator: {self}"))

    def __str__(self) -> str:
        fields = ", ".join(f"{name}: {field}" for name, field in sorted(self.fields.items()))
        return f"v.object({{{fields}}})"


@dataclass(frozen=True, slots=True)
class Union(Validator):
    """A value that matches at least one member."""

    members: Sequence[Validator]

    def mismatch(self, value: Value, table_name: TableName) -> Mismatch | None:
        """Return why no member matches; with one candidate besides null, why that one does not."""
        candidates: list[Mismatch] = []
        for member in self.members:
            found = member.mismatch(value, table_name)
            if found is None:
                return None
            if member is not NULL:
                candidates.append(found)
        if len(candidates) == 1 and value is not None:
            return candidates[0]
        return self._no_match(value)

    def __str__(self) -> str:
        return f"v.union({', '.join(str(member) for member in self.members)})"


_TEXT_OR_NULL = Union(members=(STRING, NULL))

PAGINATION_OPTIONS = Object(
    fields={
        "numItems": Field(validator=WHOLE_FLOAT64),
        "cursor": Field(validator=_TEXT_OR_NULL),
        "endCursor": Field(validator=_TEXT_OR_NULL, is_optional=True),
        "id": Field(validator=FLOAT64, is_optional=True),
        "maximumRowsRead": Field(validator=WHOLE_FLOAT64, is_optional=True),
        "maximumBytesRead": Field(validator=WHOLE_FLOAT64, is_optional=True),
    }
)
"""The argument of a paginated query that says which page is wanted."""


def page_of(row: Validator) -> Object:
    """Return what one page of such rows looks like: the result of a paginated query."""
    status = (Literal(value="SplitRecommended"), Literal(value="SplitRequired"), NULL)
    return Object(
        fields={
            "page": Field(validator=Array(item=row)),
            "isDone": Field(validator=BOOLEAN),
            "continueCursor": Field(validator=STRING),
            "splitCursor": Field(validator=_TEXT_OR_NULL),
            "pageStatus": Field(validator=Union(members=status)),
        }
    )


def show(value: Value) -> str:
    """Return ``value`` in the notation of validation texts: ``{a: 1.0, b: "x"}``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return orjson.dumps(value).decode()
        case bytes():
            return f'b"{b64encode(value).decode()}"'
        case list():
            return f"[{', '.join(show(item) for item in value)}]"
        case dict():
            fields = ", ".join(f"{key}: {show(item)}" for key, item in sorted(value.items()))
            return f"{{{fields}}}"
