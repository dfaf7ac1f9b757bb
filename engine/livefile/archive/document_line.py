"""A document as one line of JSON, as snapshots and JSON Lines have it.

The protocol's encoding with its keys in order, so that one document always is the same bytes.

Not here: files of lines (``table_file.py``, ``snapshot_file.py``).
"""

from collections.abc import Iterator
from typing import IO, cast

import orjson

from livefile.model.table_definition import Document
from livefile.model.value import check_value
from livefile.model.value_json import from_json, to_wire
from livefile.vocabulary.errors import ImportFileError, InvalidValueError
from livefile.vocabulary.limits import IMPORT_LINE_SIZE_BYTES_MAX


def line_of(document: Document) -> bytes:
    """Return a document as a line, with its end."""
    return orjson.dumps(to_wire(document), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def document_of(text: bytes, place: str) -> Document:
    """Return the document in a JSON text.

    Raises:
        ImportFileError: no JSON, or no object; it says ``place``.
    """
    try:
        return checked_document(from_json(text), place)
    except InvalidValueError as error:
        raise ImportFileError(f"{place}: {error}") from error


def checked_document(value: object, place: str) -> Document:
    """Return a value that is a document.

    Raises:
        ImportFileError: it is no object, or over a limit; it says ``place``.
    """
    try:
        check_value(value)
    except InvalidValueError as error:
        raise ImportFileError(f"{place}: {error}") from error
    if not isinstance(value, dict):
        raise ImportFileError(f"{place}: want a document as an object, got {value!r:.80}")
    return cast(Document, value)


def lines_of(file: IO[bytes], name: str) -> Iterator[tuple[str, bytes]]:
    """Yield (place, line) of every line that is not empty.

    Raises:
        ImportFileError: a line is longer than any document can be.
    """
    number = 0
    while line := file.readline(IMPORT_LINE_SIZE_BYTES_MAX + 1):
        number += 1
        if len(line) > IMPORT_LINE_SIZE_BYTES_MAX:
            raise ImportFileError(
                f"{name}, line {number}: longer than {IMPORT_LINE_SIZE_BYTES_MAX} bytes, so it "
                "cannot be one document"
            )
        if stripped := line.strip():
            yield f"{name}, line {number}", stripped
