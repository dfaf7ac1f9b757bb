"""Text indexes as a table declares them, and searches: ``Message.search_body.search("hello wor")``.

A search is built and checked here: its text, then values that fields of the documents must have.

Not here: running a search (``transaction/text_search.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from livefile.model.annotation import Annotation
from livefile.model.index_declaration import IndexDeclaration
from livefile.model.index_key import MISSING, encode_value
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.names import check_index_fields
from livefile.model.validator import trusted_tables
from livefile.model.value import normalize
from livefile.vocabulary.errors import DefinitionError, SearchError, ValidationError
from livefile.vocabulary.limits import SEARCH_FILTER_FIELDS_MAX, SEARCH_FILTERS_MAX

if TYPE_CHECKING:
    from livefile.model.table import Table

Row = TypeVar("Row", covariant=True)
TableType = TypeVar("TableType", bound="Table")


@dataclass(frozen=True, slots=True)
class TextSearchSource(Generic[Row]):
    """A text index of the table whose documents are ``Row``, to be searched."""

    table: str
    index: str
    filters: Sequence[str]
    annotations: Mapping[str, Annotation]

    def search(self, text: str) -> "TextSearch[Row]":
        """Return a search for the documents that have any word of ``text``.

        Of the last word the beginning is enough.
        """
        if not isinstance(text, str):
            raise SearchError(
                "IncorrectSearchText",
                f"index {self.table}.{self.index}: search takes a text, got "
                f"{type(text).__name__} {text!r}",
            )
        return TextSearch(source=self, text=text)


@dataclass(frozen=True, slots=True)
class TextSearch(Generic[Row]):
    """A search in a text index. ``conditions`` are fields with the index keys of their values."""

    source: TextSearchSource[Row]
    text: str
    conditions: tuple[tuple[str, bytes], ...] = ()

    def eq(self, **fields: Any) -> "TextSearch[Row]":  # Any: filter fields have any type.
        """Return the same search among the documents whose fields have these values.

        Raises:
            SearchError: no filter field of the index, one twice, or too many.
            ValidationError: a value that the field cannot have.
        """
        conditions = [*self.conditions]
        for name, thing in fields.items():
            if name not in self.source.filters:
                raise SearchError(
                    "IncorrectFilterFieldError",
                    f"index {self._name}: got the field {name!r}, want one that it is filtered "
                    f"by: {', '.join(self.source.filters) or 'there is none'}",
                )
            if any(name == known for known, _ in conditions):
                raise SearchError(
                    "IncorrectFilterFieldError", f"index {self._name}: a second value for {name!r}"
                )
            conditions.append((name, self._key(name, thing)))
        if len(conditions) > SEARCH_FILTERS_MAX:
            raise SearchError(
                "TooManyFilterConditionsInSearchQueryError",
                f"Search query against {self._name} has too many filter conditions. Max: "
                f"{SEARCH_FILTERS_MAX} Actual: {len(conditions)}",
            )
        return replace(self, conditions=tuple(conditions))

    @property
    def _name(self) -> str:
        return f"{self.source.table}.{self.source.index}"

    def _key(self, name: str, thing: Any) -> bytes:
        if thing is MISSING:
            return encode_value(MISSING)
        annotation = self.source.annotations.get(name)
        if annotation is None:  # A path into an object.
            return encode_value(normalize(thing))
        return encode_value(annotation.to_value(thing, trusted_tables, ValidationError))


class TextIndex(IndexDeclaration):
    """An index by the words of a text. On the class it reads as what can be searched."""

    @overload
    def __get__(self, instance: None, owner: type[TableType]) -> TextSearchSource[TableType]: ...
    @overload
    def __get__(self, instance: object, owner: type[TableType]) -> "TextIndex": ...
    def __get__(self, instance: object | None, owner: type[TableType]) -> object:
        """Return what can be searched."""
        if instance is not None:
            return self
        table = owner.__livefile_table__
        return TextSearchSource(
            table=table.name,
            index=self.name,
            filters=self.spec.filters,
            annotations=table.annotations,
        )


def search_index(field: str, *, filters: Sequence[str] = ()) -> TextIndex:
    """Declare an index by the words in the text ``field``; dots lead into objects.

    Searches of it can be narrowed by the values of the fields ``filters``.

    Raises:
        DefinitionError: a field twice, too many, or a reserved name.
    """
    if isinstance(filters, str):
        raise DefinitionError(f"search_index: filters={filters!r}: want a list of fields")
    check_index_fields((field,))
    if filters:
        if len(filters) > SEARCH_FILTER_FIELDS_MAX:
            raise DefinitionError(
                f"Search indexes may have up to {SEARCH_FILTER_FIELDS_MAX} filter fields."
            )
        check_index_fields(filters)
    return TextIndex(IndexSpec((field,), kind=IndexKind.TEXT, filters=tuple(filters)))
