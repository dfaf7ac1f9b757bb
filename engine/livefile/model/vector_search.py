"""Vector indexes as an app declares and searches them: ``by_embedding = vector_index(...)``.

On the class the attribute is a ``VectorSource``: what a search is given to search in.

Not here: the search (``transaction/vector_search.py``); vectors (``model/vector.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar, overload

from livefile.model.annotation import Annotation
from livefile.model.filter_expression import CONSTANT, FIELD, Expression
from livefile.model.id import Id
from livefile.model.index_declaration import IndexDeclaration, TableType
from livefile.model.index_key import MISSING, encode_value, fields_key
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.names import check_index_fields
from livefile.model.validator import trusted_tables
from livefile.model.value import Value, normalize
from livefile.model.vector import Vector, vector_of
from livefile.vocabulary.errors import (
    DefinitionError,
    InvalidValueError,
    SearchError,
    ValidationError,
)
from livefile.vocabulary.limits import (
    VECTOR_DIMENSIONS_MAX,
    VECTOR_DIMENSIONS_MIN,
    VECTOR_FILTER_CONDITIONS_MAX,
    VECTOR_FILTER_FIELDS_MAX,
    VECTOR_RESULTS_MAX,
)

Row = TypeVar("Row", covariant=True)

EVERY_KEY = b""
"""The key under which an index has all its documents."""


@dataclass(frozen=True, slots=True)
class VectorMatch(Generic[Row]):
    """One document that a search found. ``score`` is the cosine: 1 for the same direction."""

    id: Id[Row]
    score: float


@dataclass(frozen=True, slots=True)
class VectorSearch:
    """What is searched for. ``conditions`` are (field, encoded value): one of them must hold.

    ``None`` for no conditions: all documents of the index.
    """

    vector: Vector
    limit: int
    conditions: Sequence[tuple[str, bytes]] | None

    def keys(self, spec: IndexSpec) -> Sequence[bytes]:
        """Return the keys of the documents to look at, in an index of this spec.

        Raises:
            SearchError: the index has vectors of another length, or not this filter field.
        """
        dimensions = len(self.vector.numbers)
        if dimensions != spec.dimensions:
            raise SearchError(
                "VectorDimensionsMismatch",
                f"Expected a vector with dimensions {spec.dimensions}, received {dimensions}.",
            )
        if self.conditions is None:
            return [EVERY_KEY]
        return list(dict.fromkeys(_condition_key(spec, *each) for each in self.conditions))


@dataclass(frozen=True, slots=True)
class VectorSource(Generic[Row]):
    """A vector index of the table whose documents are ``Row``."""

    table: str
    index: str
    annotations: Mapping[str, Annotation]

    def search(
        self, vector: Sequence[float], limit: int, filter: Expression | None
    ) -> VectorSearch:
        """Return the search for the ``limit`` documents whose vectors are nearest.

        Raises:
            SearchError: a vector, a limit or a filter that no search has.
            ValidationError: a filter by a value that its field cannot have.
        """
        is_number = isinstance(limit, int) and not isinstance(limit, bool)
        if not is_number or limit < 1:
            raise self._refusal(
                f"limit={limit!r}: want a whole number from 1 to {VECTOR_RESULTS_MAX}"
            )
        if limit > VECTOR_RESULTS_MAX:
            raise SearchError(
                "VectorLimitTooLargeError",
                f"Vector queries can fetch at most {VECTOR_RESULTS_MAX} results, requested "
                f"{limit}.",
            )
        return VectorSearch(
            vector=self._vector(vector),
            limit=limit,
            conditions=None if filter is None else self._conditions(filter),
        )

    def _vector(self, vector: Sequence[float]) -> Vector:
        found = None
        if not isinstance(vector, str | bytes):
            with suppress(InvalidValueError, TypeError):
                found = vector_of(normalize(list(vector)))
        if found is None:
            raise self._refusal(f"want a vector of finite numbers, got {_shortened(vector)}")
        return found

    def _conditions(self, filter: Expression) -> Sequence[tuple[str, bytes]]:
        is_joined = isinstance(filter, Expression) and filter.operator == "or"
        parts = filter.operands if is_joined else (filter,)
        if len(parts) > VECTOR_FILTER_CONDITIONS_MAX:
            raise SearchError(
                "TooManyElementsInVectorQueryError",
                f"Vector queries can have at most {VECTOR_FILTER_CONDITIONS_MAX} conditions, "
                f"received {len(parts)}.",
            )
        return list(map(self._condition, parts))

    def _condition(self, part: Expression) -> tuple[str, bytes]:
        is_equality = isinstance(part, Expression) and part.operator == "eq"
        operands = part.operands if is_equality else ()
        by_operator = {operand.operator: operand.content for operand in operands}
        if by_operator.keys() != {FIELD, CONSTANT}:
            raise self._refusal(
                f"got the filter {_shortened(part)}, want equalities of a field and a value, "
                'joined with |: (field("a") == 1) | (field("b") == 2)'
            )
        path, thing = by_operator[FIELD], by_operator[CONSTANT]
        annotation = self.annotations.get(path)
        if thing is MISSING:
            return path, encode_value(MISSING)
        if annotation is None:  # A path into an object.
            return path, encode_value(normalize(thing))
        return path, encode_value(annotation.to_value(thing, trusted_tables, ValidationError))

    def _refusal(self, text: str) -> SearchError:
        return SearchError("InvalidVectorQuery", f"{self.table}.{self.index}: {text}")


class VectorIndex(IndexDeclaration):
    """An index by nearness. On the class it reads as what is searched."""

    @overload
    def __get__(self, instance: None, owner: type[TableType]) -> VectorSource[TableType]: ...
    @overload
    def __get__(self, instance: object, owner: type[TableType]) -> "VectorIndex": ...
    def __get__(self, instance: object | None, owner: type[TableType]) -> object:
        """Return what a search is given."""
        if instance is not None:
            return self
        table = owner.__livefile_table__
        return VectorSource(table=table.name, index=self.name, annotations=table.annotations)


def vector_index(field: str, *, dimensions: int, filters: Sequence[str] = ()) -> VectorIndex:
    """Declare an index by which documents are found whose ``field`` is near to a vector.

    The field is a ``list[float]``; a document is in the index while it holds exactly
    ``dimensions`` finite numbers. A search may be narrowed to values of the fields in ``filters``.

    Raises:
        DefinitionError: a number of dimensions or of filters that no index has, or a reserved name.
    """
    is_number = isinstance(dimensions, int) and not isinstance(dimensions, bool)
    if not is_number or not VECTOR_DIMENSIONS_MIN <= dimensions <= VECTOR_DIMENSIONS_MAX:
        raise DefinitionError(
            f"Dimensions {dimensions!r} must be between {VECTOR_DIMENSIONS_MIN} and "
            f"{VECTOR_DIMENSIONS_MAX}."
        )
    if isinstance(filters, str):
        raise DefinitionError(f"filters={filters!r}: want a list of fields")
    check_index_fields((field,))
    if len(filters) > VECTOR_FILTER_FIELDS_MAX:
        raise DefinitionError(
            f"Vector indexes may have up to {VECTOR_FILTER_FIELDS_MAX} filter fields, not "
            f"{len(filters)}."
        )
    if filters:
        check_index_fields(filters)
    return VectorIndex(
        IndexSpec((field,), kind=IndexKind.VECTOR, filters=tuple(filters), dimensions=dimensions)
    )


def document_keys(spec: IndexSpec, document: Mapping[str, Value]) -> Iterator[bytes]:
    """Yield the keys under which an index has a document: ``EVERY_KEY``, then one for each filter.

    Searches of live queries are known by these keys, too.
    """
    yield EVERY_KEY
    for path in spec.filters:
        yield _condition_key(spec, path, fields_key(document, (tuple(path.split(".")),)))


def document_vector(spec: IndexSpec, document: Mapping[str, Value]) -> Vector | None:
    """Return a document's vector, None if it has none of the length that is indexed."""
    value: Value = dict(document)
    for name in spec.fields[0].split("."):
        value = value.get(name) if isinstance(value, dict) else None
    found = vector_of(value)
    return found if found is not None and len(found.numbers) == spec.dimensions else None


def _condition_key(spec: IndexSpec, path: str, encoded: bytes) -> bytes:
    """Return the key for a value of a filter field. A value may be long, a key is not."""
    if path not in spec.filters:
        raise SearchError(
            "IncorrectVectorFilterField",
            f"{path!r} is no field by which the index can be filtered; it has "
            f"{', '.join(spec.filters) or 'none'}.",
        )
    position = bytes((spec.filters.index(path),))
    return position + blake2b(encoded, digest_size=16).digest()


def _shortened(thing: object) -> str:
    text = repr(thing)
    return text if len(text) <= 80 else f"{text[:77]}..."
