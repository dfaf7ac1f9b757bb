"""One table as a file: JSON Lines, an array in JSON, or CSV.

Not here: all tables in one file (``snapshot_file.py``).
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson

from livefile.archive.document_line import checked_document, document_of, lines_of
from livefile.archive.import_source import ImportedFile, ImportedRow, ImportedTable, ImportFormat
from livefile.model.document_id import decode_document_id
from livefile.model.names import check_stored_table_name
from livefile.model.table_definition import Document
from livefile.model.value import Value
from livefile.model.value_json import from_wire
from livefile.vocabulary.errors import ImportFileError, InvalidDocumentIdError, InvalidValueError
from livefile.vocabulary.limits import IMPORT_ARRAY_SIZE_BYTES_MAX, IMPORT_LINE_SIZE_BYTES_MAX

TakesField = Callable[[str, Value], bool]
"""Whether the table's schema takes a value in a field; True for everything if it has none."""


class TableFile:
    """The documents of one table.

    In CSV every cell is a text. It becomes the first of these that the schema takes: a number if
    it looks like one, the text itself, ``true`` or ``false``, and None or nothing if it is empty.
    """

    def __init__(self, path: Path, format: ImportFormat, table: str, takes: TakesField) -> None:
        """Take the file, the table's name and what its schema takes.

        Raises:
            ImportFileError: it cannot be read, or its first document has an id that is none.
        """
        check_stored_table_name(table)
        self._path = path
        self._format = format
        self._table = table
        self._takes = takes
        self.left_out: Sequence[str] = ()
        self.tables: Sequence[ImportedTable] = [ImportedTable(table, self._find_number())]

    has_files = False

    def files(self) -> Iterator[ImportedFile]:
        """Yield nothing: a table has no files."""
        return iter(())

    def rows(self) -> Iterator[ImportedRow]:
        """Yield the documents in the order of the file."""
        try:
            match self._format:
                case ImportFormat.JSON_LINES:
                    found = self._json_lines()
                case ImportFormat.JSON_ARRAY:
                    found = self._json_array()
                case _:
                    found = self._csv()
            for place, document in found:
                yield ImportedRow(table=self._table, place=place, document=document)
        except OSError as error:
            raise ImportFileError(f"{self._path}: cannot be read ({error.strerror})") from error

    def _find_number(self) -> int | None:
        """Return the table's number in the first document's id, None without an id."""
        for row in self.rows():
            document_id = row.document.get("_id")
            if document_id is None:
                return None
            try:
                return decode_document_id(str(document_id))[0]
            except InvalidDocumentIdError as error:
                raise ImportFileError(f"{row.place}: {error}") from error
        return None

    def _json_lines(self) -> Iterator[tuple[str, Document]]:
        with self._path.open("rb") as file:
            for place, line in lines_of(file, str(self._path)):
                yield place, document_of(line, place)

    def _json_array(self) -> Iterator[tuple[str, Document]]:
        if self._path.stat().st_size > IMPORT_ARRAY_SIZE_BYTES_MAX:
            raise ImportFileError(
                f"{self._path}: an array in JSON is read whole, so it may have "
                f"{IMPORT_ARRAY_SIZE_BYTES_MAX} bytes; use JSON Lines, one document a line"
            )
        try:
            items = orjson.loads(self._path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise ImportFileError(f"{self._path}: no JSON: {error}") from error
        if not isinstance(items, list):
            raise ImportFileError(f"{self._path}: want an array of documents")
        for number, item in enumerate(items):
            place = f"{self._path}, item {number}"
            try:
                document = from_wire(item)
            except InvalidValueError as error:
                raise ImportFileError(f"{place}: {error}") from error
            yield place, checked_document(document, place)

    def _csv(self) -> Iterator[tuple[str, Document]]:
        csv.field_size_limit(IMPORT_LINE_SIZE_BYTES_MAX)
        with self._path.open("r", encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(_bounded(file, self._path), strict=True)
            try:
                names = next(rows, [])
                if not all(names) or len(set(names)) != len(names):
                    raise ImportFileError(
                        f"{self._path}: the first line must name each column once; it is {names}"
                    )
                for cells in rows:
                    place = f"{self._path}, line {rows.line_num}"
                    if len(cells) != len(names):
                        raise ImportFileError(
                            f"{place}: {len(cells)} cells, want {len(names)} as in the first line"
                        )
                    # strict: the lengths were compared.
                    pairs = zip(names, cells, strict=True)
                    yield place, checked_document(self._from_cells(pairs), place)
            except (csv.Error, UnicodeDecodeError) as error:
                raise ImportFileError(f"{self._path}, line {rows.line_num + 1}: {error}") from error

    def _from_cells(self, pairs: Iterator[tuple[str, str]]) -> Document:
        document: Document = {}
        for name, cell in pairs:
            for value in _readings(cell):
                if self._takes(name, value):
                    document[name] = value
                    break
            else:
                if cell:
                    document[name] = cell  # Refused by the schema, in its own words.
        return document


def format_of(path: Path) -> ImportFormat:
    """Return the format that a file's name says.

    Raises:
        ImportFileError: it says none.
    """
    formats = {
        ".zip": ImportFormat.ZIP,
        ".jsonl": ImportFormat.JSON_LINES,
        ".ndjson": ImportFormat.JSON_LINES,
        ".json": ImportFormat.JSON_ARRAY,
        ".csv": ImportFormat.CSV,
    }
    found = formats.get(path.suffix.lower())
    if found is None:
        raise ImportFileError(
            f"{path}: the name does not say the format; want one of {', '.join(formats)}"
        )
    return found


def _readings(cell: str) -> Iterator[Value]:
    """Yield what a cell may stand for, the likeliest first."""
    number = _number(cell)
    if number is not None:
        yield number
    yield cell
    if cell in ("true", "false"):
        yield cell == "true"
    if not cell:
        yield None


def _number(cell: str) -> float | None:
    # Not what only Python takes for a number: 1_000, nan, blanks around it.
    if not cell or cell.strip("0123456789+-.eE"):
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _bounded(file: io.TextIOBase, path: Path) -> Iterator[str]:
    while line := file.readline(IMPORT_LINE_SIZE_BYTES_MAX + 1):
        if len(line) > IMPORT_LINE_SIZE_BYTES_MAX:
            raise ImportFileError(f"{path}: a line is longer than {IMPORT_LINE_SIZE_BYTES_MAX}")
        yield line
