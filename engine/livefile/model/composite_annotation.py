"""Annotations of containers, unions and models, made of those of their parts.

Not here: primitive types (``annotation.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticValidationError

from livefile.model import validator as v
from livefile.model.annotation import Annotation, ForeignObjectError
from livefile.model.value import Value
from livefile.vocabulary.errors import ValidationError

# Any: as in ``annotation.py``.


class ListAnnotation(Annotation):
    """``list[...]``."""

    def __init__(self, item: Annotation) -> None:
        super().__init__(v.Array(item=item.validator))
        self._item = item
        self.is_plain = item.is_plain

    def to_python(self, value: Value) -> list[Any]:
        """Return the list with every item converted."""
        items = cast(list[Value], value)
        return items if self.is_plain else [self._item.to_python(item) for item in items]

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the list with every item converted."""
        if not isinstance(thing, Sequence) or isinstance(thing, str | bytes):
            raise ForeignObjectError
        convert = self._item.convert
        return [convert(item, table_name) for item in thing]


class DictAnnotation(Annotation):
    """``dict[str, ...]``: an object used as a map."""

    def __init__(self, key: Annotation, item: Annotation) -> None:
        super().__init__(v.Record(key=key.validator, value=item.validator))
        self._key = key
        self._item = item
        self.is_plain = key.is_plain and item.is_plain

    def to_python(self, value: Value) -> dict[str, Any]:
        """Return the map with every item converted."""
        items = cast(dict[str, Value], value)
        if self.is_plain:
            return items
        return {self._key.to_python(key): self._item.to_python(item) for key, item in items.items()}

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the map with every item converted."""
        if not isinstance(thing, Mapping):
            raise ForeignObjectError
        return {
            cast(str, self._key.convert(key, table_name)): self._item.convert(item, table_name)
            for key, item in thing.items()
        }


class UnionAnnotation(Annotation):
    """``X | Y``: the first member that fits."""

    def __init__(self, members: Sequence[Annotation]) -> None:
        super().__init__(v.Union(members=tuple(member.validator for member in members)))
        self._members = members
        self.is_plain = all(member.is_plain for member in members)

    def to_python(self, value: Value) -> Any:
        """Return the object of the first member that matches."""
        if self.is_plain:
            return value
        for member in self._members:
            if member.validator.mismatch(value, v.trusted_tables) is None:
                return member.to_python(value)
        raise AssertionError("the value was validated before")

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the value of the first member whose type fits."""
        for member in self._members:
            try:
                return member.convert(thing, table_name)
            except ForeignObjectError:
                continue
        raise ForeignObjectError


class ObjectAnnotation(Annotation):
    """An object with named fields: a pydantic model or a ``TypedDict``."""

    def __init__(
        self,
        fields: Mapping[str, Annotation],
        optional: Sequence[str],
        make: Callable[..., Any],
        read: Callable[[Any], Mapping[str, Any]],
    ) -> None:
        """Take the fields, how to make the object, and how to read its fields (or refuse)."""
        super().__init__(
            v.Object(
                fields={
                    name: v.Field(validator=field.validator, is_optional=name in optional)
                    for name, field in fields.items()
                }
            )
        )
        self._fields = fields
        self._required = frozenset(fields).difference(optional)
        self._make = make
        self._read = read

    def to_python(self, value: Value) -> Any:
        """Return the object, validated by its own class as well."""
        items = cast(dict[str, Value], value)
        fields = {name: self._fields[name].to_python(item) for name, item in items.items()}
        try:
            return self._make(**fields)
        except PydanticValidationError as error:
            raise ValidationError(pydantic_text(error)) from error

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the object's fields."""
        items = self._read(thing)
        if not self._required <= items.keys() <= self._fields.keys():
            raise ForeignObjectError  # Python does not check what is in a ``TypedDict``.
        return {name: self._fields[name].convert(item, table_name) for name, item in items.items()}


class ConstrainedAnnotation(Annotation):
    """``Annotated[X, ...]``: X, and what pydantic makes of the rest."""

    def __init__(self, inner: Annotation, annotation: Any) -> None:
        super().__init__(inner.validator)
        self._inner = inner
        self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    def to_python(self, value: Value) -> Any:
        """Return the object, checked against the constraints."""
        try:
            return self._adapter.validate_python(self._inner.to_python(value))
        except PydanticValidationError as error:
            raise ValidationError(pydantic_text(error)) from error

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the value as the plain type has it, if it meets the constraints."""
        value = self._inner.convert(thing, table_name)
        self.to_python(value)
        return value

    def for_stored(self) -> Annotation:
        """Return the plain type: a stored value is not checked again."""
        return self._inner.for_stored()


def pydantic_text(error: PydanticValidationError) -> str:
    """Return what pydantic found, one line for each finding, without its links."""
    return "\n".join(
        str(
            v.Mismatch(
                sentence="Value does not match validator.",
                details=(f"Value: {item['input']!r}", f"Validator: {item['msg']}"),
                path="".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in item["loc"]),
            )
        )
        for item in error.errors(include_url=False)
    )
