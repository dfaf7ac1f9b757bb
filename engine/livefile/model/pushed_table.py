"""Tables as a pushed schema declares them: the JSON that ``defineSchema(...)`` exports.

Documents of such a table are any objects, objects with these fields, or a union of objects. They
have no class in Python and no defaults.

A staged index is not there yet for whoever reads, so nothing is built for it; once it is no longer
staged it is built like a new one.

Not here: tables that are classes (``model/table.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from livefile.model import validator as v
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.names import check_field_paths, check_index_name, check_table_name
from livefile.model.table_definition import Document, TableDefinition
from livefile.model.validator_json import validator_from_json
from livefile.vocabulary.errors import DefinitionError
from livefile.vocabulary.limits import (
    INDEXES_PER_TABLE_MAX,
    SEARCH_FILTER_FIELDS_MAX,
    VECTOR_DIMENSIONS_MAX,
    VECTOR_DIMENSIONS_MIN,
    VECTOR_FILTER_FIELDS_MAX,
)

Tree = Mapping[str, Any]  # Any: JSON.

_SYSTEM_FIELDS = ("_id", "_creationTime")


class PushedTable(TableDefinition):
    """One table of a pushed schema."""

    def __init__(self, name: str, validator: v.Validator, specs: Mapping[str, IndexSpec]) -> None:
        super().__init__(name)
        self._validator = validator
        self.specs = dict(specs)

    @property
    def validator(self) -> v.Validator:
        """What a stored document must look like, without the system fields."""
        return self._validator

    @property
    def defaults(self) -> Document:
        """None: JavaScript fills in nothing."""
        return {}


def pushed_tables(schema: Tree, prefix: str = "") -> list[PushedTable]:
    """Return the tables of an exported schema.

    ``prefix`` stands before their names in the file, for those of an app's components. Without
    ``schemaValidation`` documents may be anything, and the indexes are there all the same.

    Raises:
        DefinitionError: a name, an index or a validator that no table has.
    """
    has_validation = schema.get("schemaValidation") is not False
    tables: dict[str, PushedTable] = {}
    for tree in _list(schema, "tables"):
        name = _text(tree, "tableName")
        check_table_name(name)
        if name in tables:
            raise DefinitionError(f'the schema declares the table "{name}" twice')
        tables[name] = _table(tree, name, prefix, has_validation=has_validation)
    return list(tables.values())


def _table(tree: Tree, name: str, prefix: str, *, has_validation: bool) -> PushedTable:
    declared = tree.get("documentType")
    try:
        validator = v.ANY if declared is None else validator_from_json(declared, prefix)
        validator = _document_validator(validator)
    except DefinitionError as error:
        raise DefinitionError(f'table "{name}": {error}') from error
    specs: dict[str, IndexSpec] = {}
    for index_name, spec in _specs(tree):
        check_index_name(name, index_name)
        if index_name in specs:
            raise DefinitionError(f'table "{name}" has two indexes with the name "{index_name}"')
        try:
            _check_spec(spec)
        except DefinitionError as error:
            raise DefinitionError(f"index {name}.{index_name}: {error}") from error
        for path in spec.all_fields:
            if not _has_path(validator, path.split(".")):
                raise DefinitionError(
                    f'In table "{name}" the index "{index_name}" is invalid because it references '
                    f'the field "{path}" that does not exist.'
                )
        specs[index_name] = spec
    if len(specs) > INDEXES_PER_TABLE_MAX:
        raise DefinitionError(
            f'Table "{name}" cannot have more than {INDEXES_PER_TABLE_MAX} indexes.'
        )
    return PushedTable(prefix + name, validator if has_validation else v.ANY, specs)


def _specs(table: Tree) -> Iterator[tuple[str, IndexSpec]]:
    for tree in _list(table, "indexes"):
        yield _text(tree, "indexDescriptor"), IndexSpec(_texts(tree, "fields"))
    for tree in _list(table, "searchIndexes"):
        spec = IndexSpec(
            (_text(tree, "searchField"),),
            kind=IndexKind.TEXT,
            filters=tuple(dict.fromkeys(_texts(tree, "filterFields"))),
        )
        yield _text(tree, "indexDescriptor"), spec
    for tree in _list(table, "vectorIndexes"):
        dimensions = tree.get("dimensions")
        if type(dimensions) not in (int, float) or dimensions != int(dimensions):
            raise DefinitionError(f"Dimensions {dimensions!r} must be a whole number.")
        spec = IndexSpec(
            (_text(tree, "vectorField"),),
            kind=IndexKind.VECTOR,
            filters=tuple(dict.fromkeys(_texts(tree, "filterFields"))),
            dimensions=int(dimensions),
        )
        yield _text(tree, "indexDescriptor"), spec


def _check_spec(spec: IndexSpec) -> None:
    check_field_paths(spec.fields)
    if spec.filters:
        check_field_paths(spec.filters)
    if spec.kind is IndexKind.TEXT and len(spec.filters) > SEARCH_FILTER_FIELDS_MAX:
        raise DefinitionError(
            f"Search indexes may have up to {SEARCH_FILTER_FIELDS_MAX} filter fields."
        )
    if spec.kind is IndexKind.VECTOR:
        if not VECTOR_DIMENSIONS_MIN <= spec.dimensions <= VECTOR_DIMENSIONS_MAX:
            raise DefinitionError(
                f"Dimensions {spec.dimensions} must be between {VECTOR_DIMENSIONS_MIN} and "
                f"{VECTOR_DIMENSIONS_MAX}."
            )
        if len(spec.filters) > VECTOR_FILTER_FIELDS_MAX:
            raise DefinitionError(
                f"Vector indexes may have up to {VECTOR_FILTER_FIELDS_MAX} filter fields, not "
                f"{len(spec.filters)}."
            )


def _document_validator(validator: v.Validator) -> v.Validator:
    """Return a validator of documents without the system fields, which every document has."""
    match validator:
        case v.AnyValue():
            return validator
        case v.Union():
            return v.Union(members=[_document_validator(it) for it in validator.members])
        case v.Object():
            declared = validator.fields.items()
            return v.Object(fields={n: it for n, it in declared if n not in _SYSTEM_FIELDS})
    raise DefinitionError(f"documents are objects or a union of objects, not {validator}")


def _has_path(validator: v.Validator, path: Sequence[str]) -> bool:
    """Return whether a value that matches may have something at a path of fields."""
    if not path:
        return True
    match validator:
        case v.AnyValue() | v.Record():
            return True
        case v.Object():
            field = validator.fields.get(path[0])
            return field is not None and _has_path(field.validator, path[1:])
        case v.Union():
            return any(map(partial(_has_path, path=path), validator.members))
    return False


def _list(tree: Tree, name: str) -> Sequence[Any]:
    """Return a list of the JSON, empty if an older library does not export it."""
    found = tree.get(name, [])
    if not isinstance(found, list):
        raise DefinitionError(f"the schema's {name} must be a list, not {found!r:.80}")
    return found


def _texts(tree: Tree, name: str) -> tuple[str, ...]:
    found = _list(tree, name)
    if not all(isinstance(item, str) for item in found):
        raise DefinitionError(f"the schema's {name} must be texts, not {found!r:.80}")
    return tuple(found)


def _text(tree: Tree, name: str) -> str:
    found = tree.get(name)
    if not isinstance(found, str):
        raise DefinitionError(f"the schema's {name} must be a text, not {found!r:.80}")
    return found
