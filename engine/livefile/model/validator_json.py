"""Validators as JSON, in the form that Convex's tools export them.

The file keeps it beside each table, to know what the stored documents were checked against. Pushed
code declares its arguments, results and documents in it.

Not here: the notation of error texts, which is ``str()`` of a validator.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from livefile.model import validator as v
from livefile.model.value_json import from_wire, to_wire
from livefile.vocabulary.errors import DefinitionError, InvalidValueError
from livefile.vocabulary.limits import VALUE_NESTING_MAX

_TYPE_NAMES = {"float64": "number", "int64": "bigint"}
_PRIMITIVES: Mapping[str, v.Validator] = {
    "any": v.ANY,
    "bigint": v.INT64,
    "boolean": v.BOOLEAN,
    "bytes": v.BYTES,
    # A commit's timestamp, which is an Int64 once it is stored.
    "commitTs": v.INT64,
    "null": v.NULL,
    "number": v.FLOAT64,
    "string": v.STRING,
}


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


def validator_from_json(tree: object, table_prefix: str = "") -> v.Validator:
    """Return the validator of a decoded JSON tree.

    ``table_prefix`` stands before the names of an app component's tables in the file; tables of the
    system have none.

    Raises:
        DefinitionError: it is no validator.
    """
    return _validator_of(tree, table_prefix, 1)


def _validator_of(tree: object, prefix: str, depth: int) -> v.Validator:
    if depth > 2 * VALUE_NESTING_MAX:
        raise DefinitionError(f"a validator is nested more than {2 * VALUE_NESTING_MAX} deep")
    match tree:
        case {"type": "number", "isWhole": True}:
            return v.WHOLE_FLOAT64
        case {"type": str(name)} if name in _PRIMITIVES:
            return _PRIMITIVES[name]
        case {"type": "id", "tableName": str(table)}:
            return v.IdOf(table=table if table.startswith("_") else prefix + table)
        case {"type": "literal", "value": value}:
            return v.Literal(value=_literal(value))
        case {"type": "array", "value": item}:
            return v.Array(item=_validator_of(item, prefix, depth + 1))
        case {"type": "record", "keys": key, "values": {"fieldType": value}}:
            return v.Record(
                key=_validator_of(key, prefix, depth + 1),
                value=_validator_of(value, prefix, depth + 1),
            )
        case {"type": "object", "value": dict(fields)}:
            return v.Object(
                fields={name: _field_of(it, prefix, depth) for name, it in fields.items()}
            )
        case {"type": "union", "value": list(members)}:
            return v.Union(members=[_validator_of(it, prefix, depth + 1) for it in members])
    raise DefinitionError(f"this is no validator: {_shortened(tree)}")


def _field_of(tree: object, prefix: str, depth: int) -> v.Field:
    match tree:
        case {"fieldType": inner, "optional": bool(is_optional)}:
            validator = _validator_of(inner, prefix, depth + 1)
            return v.Field(validator=validator, is_optional=is_optional)
    raise DefinitionError(f"this is no field of a validator: {_shortened(tree)}")


def _literal(tree: object) -> bool | int | float | str:
    try:
        value = from_wire(tree)
    except InvalidValueError as error:
        raise DefinitionError(f"a literal validator of {_shortened(tree)}: {error}") from error
    if not isinstance(value, bool | int | float | str):
        raise DefinitionError(
            f"a literal validator of {_shortened(tree)}: want a boolean, a number or a text"
        )
    return value


def _shortened(tree: object) -> str:
    text = repr(tree)
    return text if len(text) <= 80 else f"{text[:77]}..."
