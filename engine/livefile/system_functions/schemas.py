"""System functions about schemas, read off what the file itself keeps of its tables.

So they tell of tables of every language and of components alike, and of what is enforced now.

Not here: pushing a schema; the indexes as a list of their own (``tables.py``).
"""

from typing import Any

import orjson

from livefile.model import validator as v
from livefile.model.index_spec import IndexKind
from livefile.model.schema_diff import ANY_VALIDATOR
from livefile.sqlite.catalog import TableEntry
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    component_request,
    optional,
    system_query,
)
from livefile.system_functions.tables import own_indexes

# Any: JSON trees.


def _schemas(request: SystemRequest) -> Any:
    """Return the active schema as a text of JSON; a table that none declares takes anything."""
    within = component_request(request)
    tables = within.tables()
    declared = {name: table for name, table in tables.items() if _is_declared(table)}
    if not declared:
        return {}
    return {
        "active": orjson.dumps(
            {
                "tables": [
                    _table_tree(name, declared[name], within.physical_name(""))
                    for name in sorted(declared)
                ],
                "schemaValidation": True,
            }
        ).decode()
    }


def _no_progress(request: SystemRequest) -> Any:
    """Return nothing: a schema is checked by the push that brings it, which waits for it."""
    return None


def _is_declared(table: TableEntry) -> bool:
    return table.validator != ANY_VALIDATOR or bool(own_indexes(table))


def _table_tree(name: str, table: TableEntry, prefix: str) -> dict[str, Any]:
    indexes = own_indexes(table)
    return {
        "tableName": name,
        "indexes": [
            {
                "indexDescriptor": index.name,
                "fields": [*index.spec.fields, "_creationTime"],
            }
            for index in indexes
            if index.spec.kind is IndexKind.ORDERED
        ],
        "searchIndexes": [
            {
                "indexDescriptor": index.name,
                "searchField": index.spec.fields[0],
                "filterFields": list(index.spec.filters),
            }
            for index in indexes
            if index.spec.kind is IndexKind.TEXT
        ],
        "vectorIndexes": [
            {
                "indexDescriptor": index.name,
                "vectorField": index.spec.fields[0],
                "dimensions": index.spec.dimensions,
                "filterFields": list(index.spec.filters),
            }
            for index in indexes
            if index.spec.kind is IndexKind.VECTOR
        ],
        "documentType": _known(orjson.loads(table.validator), prefix),
    }


def _known(tree: Any, prefix: str) -> Any:
    """Return a validator as Convex has it.

    The mark for whole numbers is Livefile's own, and a component knows its tables without prefix.
    """
    if isinstance(tree, list):
        return [_known(item, prefix) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("type") == "id" and isinstance(tree.get("tableName"), str):
        return {**tree, "tableName": tree["tableName"].removeprefix(prefix)}
    is_number = tree.get("type") == "number"
    return {
        name: _known(item, prefix)
        for name, item in tree.items()
        if not (is_number and name == "isWhole")
    }


SCHEMA_FUNCTIONS: dict[str, SystemFunction] = {
    "frontend/getSchemas:default": system_query(_schemas, componentId=optional(v.STRING)),
    "frontend/getSchemas:schemaValidationProgress": system_query(
        _no_progress, componentId=optional(v.STRING)
    ),
}
"""By their paths without ``_system/``."""
