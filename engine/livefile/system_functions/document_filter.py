"""The filters of the dashboard's data page: which documents it wants to see, and in which order.

They come as base64 of JSON: clauses that must all hold, each of a field, an operator and a value
or a type; and maybe an index with conditions on its fields. Comparisons follow the order of index
keys, as those of ``ctx.db.query(...).filter(...)`` do.

Not here: reading the page (``documents.py``).
"""

import base64
import operator
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from livefile.model.index_key import MISSING, Missing, encode_value
from livefile.model.value import Value
from livefile.model.value_json import from_wire
from livefile.system_functions.system_function import bad_argument
from livefile.vocabulary.errors import InvalidValueError

Document = Mapping[str, Any]  # Any: a JSON tree of values.
Condition = Callable[[Document], bool]

# How the text begins that the dashboard sends, because undefined is no value.
_UNDEFINED = "__CONVEX_PLACEHOLDER_undefined_"

_COMPARISONS: Mapping[str, Callable[[bytes, bytes], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """What a page of the dashboard is to hold. ``index`` None is the order of creation."""

    conditions: tuple[Condition, ...] = ()
    index: str | None = None
    is_descending: bool = True

    def holds(self, document: Document) -> bool:
        """Return whether all conditions hold for a document."""
        return all(condition(document) for condition in self.conditions)


def parse_filter(
    text: str | None, index_fields: Callable[[str], tuple[str, ...] | None]
) -> DocumentFilter:
    """Return what the base64 text says; without one, everything, the newest first.

    ``index_fields`` tells the fields of an index of the table, None if there is none.

    Raises:
        BadRequestError: it says nothing that a filter could be.
    """
    if not text:
        return DocumentFilter()
    try:
        tree = orjson.loads(base64.b64decode(text))
    except (Base64Error, ValueError) as error:
        raise bad_argument(f"filters must be base64 of JSON: {error}") from error
    if not isinstance(tree, dict):
        raise bad_argument("filters must be an object")
    conditions = [_condition(clause) for clause in _enabled(tree.get("clauses"))]
    index, index_name = tree.get("index"), None
    if isinstance(index, dict) and isinstance(index.get("name"), str):
        index_name = index["name"]
        fields = index_fields(index_name)
        if fields is None:
            raise bad_argument(f"there is no index {index_name!r} to filter by")
        conditions += _index_conditions(index, fields)
    return DocumentFilter(
        conditions=tuple(conditions),
        index=index_name,
        is_descending=tree.get("order") != "asc",
    )


def is_undefined(tree: object) -> bool:
    """Return whether a value stands for a field that is missing, which is no value itself."""
    return isinstance(tree, str) and tree.startswith(_UNDEFINED)


def _enabled(clauses: object) -> list[dict[str, Any]]:
    found = clauses if isinstance(clauses, list) else []
    return [each for each in found if isinstance(each, dict) and each.get("enabled") is not False]


def _condition(clause: Mapping[str, Any]) -> Condition:
    field, name, wanted = clause.get("field"), clause.get("op"), clause.get("value")
    if field is None:
        return lambda document: True  # Somebody is about to write the clause.
    if not isinstance(field, str):
        raise bad_argument(f"a clause must have a field that is a string, not {field!r:.100}")
    path = field.split(".")
    match name:
        case "type" | "notype":
            is_wanted = name == "type"
            return lambda document: (_type_of(_at(document, path)) == wanted) is is_wanted
        case "anyOf" | "noneOf":
            keys = {_key(each) for each in (wanted if isinstance(wanted, list) else [])}
            is_inside = name == "anyOf"
            return lambda document: (encode_value(_at(document, path)) in keys) is is_inside
    return _comparison(path, str(name), wanted)


def _comparison(path: list[str], name: str, wanted: object) -> Condition:
    compare = _COMPARISONS.get(name)
    if compare is None:
        raise bad_argument(f"a clause's op must be one of {', '.join(_COMPARISONS)}, not {name!r}")
    key = _key(wanted)
    return lambda document: compare(encode_value(_at(document, path)), key)


def _index_conditions(index: Mapping[str, Any], fields: tuple[str, ...]) -> list[Condition]:
    conditions: list[Condition] = []
    clauses = index.get("clauses")
    for field, clause in zip(fields, clauses if isinstance(clauses, list) else [], strict=False):
        if not isinstance(clause, dict) or clause.get("enabled") is False:
            continue
        path = field.split(".")
        if clause.get("type") == "indexEq":
            conditions.append(_comparison(path, "eq", clause.get("value")))
            continue
        for side in ("lower", "upper"):
            if clause.get(f"{side}Op"):
                conditions.append(
                    _comparison(path, str(clause[f"{side}Op"]), clause.get(f"{side}Value"))
                )
    return conditions


def _at(document: Document, path: list[str]) -> Value | Missing:
    found: Any = document
    for name in path:
        found = found.get(name, MISSING) if isinstance(found, Mapping) else MISSING
    return cast("Value | Missing", found)


def _key(tree: object) -> bytes:
    if is_undefined(tree):
        return encode_value(MISSING)
    try:
        return encode_value(from_wire(tree))
    except InvalidValueError as error:
        raise bad_argument(f"a clause has no value: {error}") from error


def _type_of(value: Value | Missing) -> str:
    match value:
        case Missing.MISSING:
            return "unset"
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "bigint"
        case float():
            return "number"
        case str():
            return "string"
        case bytes():
            return "bytes"
        case list():
            return "array"
    return "object"
