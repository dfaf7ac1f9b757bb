"""What a new schema asks of a file: tables to add, indexes to build, documents to check.

The diff says what must be done and does none of it. It is made twice for a deploy: to know the
work, and again just before the switch, because the old code may have made a table in between.

Not here: doing the work (``functions/deploy.py``); the SQL of it (``sqlite/schema_change.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from livefile.model.index_spec import IndexSpec
from livefile.model.schema import Schema
from livefile.model.table_definition import Document, TableDefinition
from livefile.model.validator import ANY
from livefile.model.validator_json import validator_to_json

ANY_VALIDATOR = validator_to_json(ANY)

Tree = Mapping[str, Any]  # Any: JSON.


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table as a file has it. ``indexes`` are the declared ones by name."""

    validator: str
    indexes: Mapping[str, IndexSpec]


@dataclass(frozen=True, slots=True)
class NewIndex:
    """An index to be built over the documents of a stored table.

    ``missing`` are the values that stand in its keys for fields that a document lacks.
    """

    table: str
    name: str
    spec: IndexSpec
    missing: Document


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """What changes between a file and a schema, all of it by the tables' names."""

    new_tables: Sequence[str]
    """Declared and not in the file. They begin empty, with all their indexes."""

    new_indexes: Sequence[NewIndex]
    """Of tables that are in the file."""

    dropped_indexes: Sequence[tuple[str, str]]
    """(table, index); one whose fields change is dropped, and new under the same name."""

    validators: Mapping[str, str]
    """The new validator, as JSON, of each stored table where it changes."""

    checks: Mapping[str, TableDefinition]
    """The stored tables whose documents may not match: each must be looked at."""

    defaults: Mapping[str, Document]
    """The values for new fields that the documents of a stored table may lack."""

    @property
    def is_empty(self) -> bool:
        """Whether the file has what the schema asks for."""
        return not (self.new_tables or self.new_indexes or self.dropped_indexes or self.validators)


def schema_diff(stored: Mapping[str, StoredTable], schema: Schema) -> SchemaDiff:
    """Return what has to be done to bring the tables of a file to ``schema``."""
    new_indexes: list[NewIndex] = []
    dropped_indexes: list[tuple[str, str]] = []
    validators: dict[str, str] = {}
    checks: dict[str, TableDefinition] = {}
    defaults: dict[str, Document] = {}
    for name, table in stored.items():
        definition = schema.tables.get(name)
        validator = validator_to_json(ANY if definition is None else definition.validator)
        declared = {} if definition is None else definition.specs
        missing: Document = {}
        if validator != table.validator:
            validators[name] = validator
            if definition is not None:
                missing = _new_defaults(table.validator, definition)
                if missing:
                    defaults[name] = missing
                if not covers(orjson.loads(validator), orjson.loads(table.validator)):
                    checks[name] = definition
        kept = {
            index
            for index, spec in table.indexes.items()
            # Keys over a new field would have to change, so such an index is built anew.
            if declared.get(index) == spec and not _tops(spec) & missing.keys()
        }
        dropped_indexes += [(name, index) for index in table.indexes if index not in kept]
        for index, spec in declared.items():
            if index not in kept:
                lacking = {top: missing[top] for top in sorted(_tops(spec) & missing.keys())}
                new_indexes.append(NewIndex(table=name, name=index, spec=spec, missing=lacking))
    return SchemaDiff(
        new_tables=[name for name in schema.tables if name not in stored],
        new_indexes=new_indexes,
        dropped_indexes=dropped_indexes,
        validators=validators,
        checks=checks,
        defaults=defaults,
    )


def covers(wider: Tree, narrower: Tree) -> bool:
    """Tell whether every value that matches ``narrower`` also matches ``wider``.

    Both are validators as JSON. False means no more than that it is not plain to see.
    """
    if wider == narrower or wider["type"] == "any":
        return True
    if narrower["type"] == "union":
        return all(covers(wider, member) for member in narrower["value"])
    if wider["type"] == "union":
        return any(covers(member, narrower) for member in wider["value"])
    match wider["type"], narrower["type"]:
        case "number", "number":
            return not wider.get("isWhole")
        case "string", "id":
            return True
        case (("string" | "boolean") as name, "literal"):
            return isinstance(narrower["value"], str if name == "string" else bool)
        case "array", "array":
            return covers(wider["value"], narrower["value"])
        case "record", "record":
            return covers(wider["keys"], narrower["keys"]) and covers(
                wider["values"]["fieldType"], narrower["values"]["fieldType"]
            )
        case "object", "object":
            return _fields_cover(wider["value"], narrower["value"])
    return False


def _fields_cover(wider: Tree, narrower: Tree) -> bool:
    return all(
        name in wider
        and covers(wider[name]["fieldType"], field["fieldType"])
        and (wider[name]["optional"] or not field["optional"])
        for name, field in narrower.items()
    ) and all(field["optional"] for name, field in wider.items() if name not in narrower)


def _new_defaults(validator: str, definition: TableDefinition) -> Document:
    """Return the defaults of the fields that documents of the old validator need not have.

    A field that was declared before is in every document: whoever writes one fills it in.
    """
    tree = orjson.loads(validator)
    known = cast(Tree, tree["value"]) if tree["type"] == "object" else {}
    return {name: item for name, item in definition.defaults.items() if name not in known}


def _tops(spec: IndexSpec) -> set[str]:
    """Return the fields of the document that the paths of an index begin with."""
    return {path.split(".")[0] for path in spec.all_fields}
