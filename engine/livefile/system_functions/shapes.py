"""The shapes of tables: which fields their documents have, for the columns of the dashboard.

A declared table's shape is that of its validator. Of any other table the newest documents are
looked at, so a shape is a good guess there, and no promise.

Not here: validators as they are (``schemas.py``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from livefile.model import validator as v
from livefile.model.schema_diff import ANY_VALIDATOR
from livefile.sqlite.catalog import TableEntry
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    component_request,
    optional,
    system_query,
)

# Any: JSON trees and documents of every table.

_LOOKED_AT = 64

Shape = dict[str, Any]

_UNKNOWN: Shape = {"type": "Unknown"}
_NAMES = {
    "null": "Null",
    "number": "Float64",
    "bigint": "Int64",
    "boolean": "Boolean",
    "string": "String",
    "bytes": "Bytes",
}


def _shapes(request: SystemRequest) -> Any:
    within = component_request(request)
    return {name: _table_shape(within, table) for name, table in within.tables().items()}


def _table_shape(request: SystemRequest, table: TableEntry) -> Shape:
    newest = request.query(table.name).order("desc").take(_LOOKED_AT)
    if not newest:
        return {"type": "Never"}
    if table.validator == ANY_VALIDATOR:
        return _object_shape(newest)
    shape = _validator_shape(orjson.loads(table.validator))
    if shape["type"] == "Object":
        own = [("_creationTime", {"type": "Float64"}), ("_id", {"type": "String"})]
        shape["fields"] += [_field(name, item, is_optional=False) for name, item in own]
    return shape


def _validator_shape(tree: Mapping[str, Any]) -> Shape:
    """Return the shape of what a validator, in the notation of schemas, lets pass."""
    match tree["type"]:
        case "id":
            return {"type": "Id", "tableName": tree["tableName"]}
        case "array":
            return {"type": "Array", "shape": _validator_shape(tree["value"])}
        case "record":
            return {
                "type": "Record",
                "keyShape": _validator_shape(tree["keys"]),
                "valueShape": _field(
                    "", _validator_shape(tree["values"]["fieldType"]), is_optional=False
                ),
            }
        case "object":
            return {
                "type": "Object",
                "fields": [
                    _field(name, _validator_shape(item["fieldType"]), is_optional=item["optional"])
                    for name, item in sorted(tree["value"].items())
                ],
            }
        case "union":
            return _union([_validator_shape(member) for member in tree["value"]])
        case "literal":
            return _value_shape(tree["value"])
    name = _NAMES.get(tree["type"])
    return dict(_UNKNOWN) if name is None else {"type": name}


def _object_shape(objects: Sequence[Mapping[str, Any]]) -> Shape:
    """Return the shape of objects; a field that some of them lack is optional."""
    names = sorted({name for each in objects for name in each})
    fields = []
    for name in names:
        found = [each[name] for each in objects if name in each]
        shape = _union([_value_shape(value) for value in found])
        fields.append(_field(name, shape, is_optional=len(found) < len(objects)))
    return {"type": "Object", "fields": fields}


def _value_shape(value: Any) -> Shape:
    match value:
        case None:
            return {"type": "Null"}
        case bool():
            return {"type": "Boolean"}
        case int():
            return {"type": "Int64"}
        case float():
            return {"type": "Float64"}
        case str():
            return {"type": "String"}
        case bytes():
            return {"type": "Bytes"}
        case list():
            shape = _union([_value_shape(item) for item in value])
            return {"type": "Array", "shape": shape}
    return _object_shape([value])


def _union(shapes: Sequence[Shape]) -> Shape:
    different: list[Shape] = []
    for shape in shapes:
        if shape not in different:
            different.append(shape)
    if not different:
        return {"type": "Never"}
    return different[0] if len(different) == 1 else {"type": "Union", "shapes": different}


def _field(name: str, shape: Shape, *, is_optional: bool) -> dict[str, Any]:
    return {"fieldName": name, "shape": shape, "optional": is_optional}


SHAPE_FUNCTIONS: dict[str, SystemFunction] = {
    "server/shapes:default": system_query(_shapes, componentId=optional(v.STRING)),
}
"""By their paths without ``_system/``."""
