"""Validators as JSON, in the form that Convex's tools export them.

The file keeps it beside each table, to know what the stored documents were checked against.

Not here: the notation of error texts, which is ``str()`` of a validator.
"""

from typing import Any

import orjson

from livefile.model import validator as v
from livefile.model.value_json import to_wire

_TYPE_NAMES = {"float64": "number", "int64": "bigint"}


def validator_to_json(validator: v.Validator) -> str:
    """Return the JSON of a validator; equal for equal validators, whatever their fields' order.

    A number that must be whole, which Convex does not know, is marked with ``isWhole``.
    """
    return orjson.dumps(_tree(validator), option=orjson.OPT_SORT_KEYS).decode()


def _tree(validator: v.Validator) -> dict[str, Any]:  # Any: JSON.
    match validator:
        case v.Primitive():
            tree: dict[str, Any] = {"type": _TYPE_NAMES.get(validator.name, validator.name)}
            return {**tree, "isWhole": True} if validator.is_whole else tree
        case v.IdOf():
            return {"type": "id", "tableName": validator.table}
        case v.Literal():
            return {"type": "literal", "value": to_wire(validator.value)}
        case v.Array():
            return {"type": "array", "value": _tree(validator.item)}
        case v.Record():
            values = {"fieldType": _tree(validator.value), "optional": False}
            return {"type": "record", "keys": _tree(validator.key), "values": values}
        case v.Object():
            fields = {
                name: {"fieldType": _tree(field.validator), "optional": field.is_optional}
                for name, field in validator.fields.items()
            }
            return {"type": "object", "value": fields}
        case v.Union():
            return {"type": "union", "value": [_tree(member) for member in validator.members]}
    return {"type": "any"}
