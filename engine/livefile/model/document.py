"""The rules that hold for a document beyond those of its values: size, nesting and names.

A write checks only the fields that it sets; the others were checked when they were written.

Not here: what a table wants of its documents (``table.py``); ids (``document_id.py``).
"""

from collections.abc import Mapping
from typing import cast

from livefile.model.value import Value, nesting, size_bytes, too_large_text
from livefile.vocabulary.errors import InvalidValueError
from livefile.vocabulary.limits import DOCUMENT_NESTING_MAX, DOCUMENT_SIZE_BYTES_MAX

_SYSTEM_FIELDS = frozenset({"_id", "_creationTime"})


def check_document(document: Mapping[str, Value]) -> int:
    """Check the rules that hold for documents only and return the size in bytes.

    The document is a value already (``normalize`` or ``check_value``).

    Raises:
        InvalidValueError: too large, too nested, or a top-level field that only the system has.
    """
    check_document_fields(document)
    size = size_bytes(cast(dict[str, Value], document))
    if size > DOCUMENT_SIZE_BYTES_MAX:
        raise InvalidValueError(too_large_text(size, DOCUMENT_SIZE_BYTES_MAX))
    return size


def check_document_fields(fields: Mapping[str, Value]) -> None:
    """Check the rules that hold for each top-level field of a document by itself.

    Raises:
        InvalidValueError: too nested, or a name that only the system's fields have.
    """
    for name, item in fields.items():
        if name[:1] == "_" and name not in _SYSTEM_FIELDS:
            raise InvalidValueError(
                f"Field '{name}' starts with an underscore, which is only allowed for system "
                "fields like '_id'"
            )
        if type(item) is dict or type(item) is list:
            found = nesting(item) + 1
            if found > DOCUMENT_NESTING_MAX:
                raise InvalidValueError(
                    f"Document is too nested (nested {found} levels deep > maximum nesting "
                    f"{DOCUMENT_NESTING_MAX})"
                )


def copy_of(document: Mapping[str, Value]) -> dict[str, Value]:
    """Return a pending document with containers of its own: its reader may change a list."""
    return {name: _unshared(item) for name, item in document.items()}


def _unshared(value: Value) -> Value:
    if isinstance(value, dict):
        return {name: _unshared(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_unshared(item) for item in value]
    return value
