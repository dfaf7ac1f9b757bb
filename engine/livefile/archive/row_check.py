"""Whether an imported document can be a document of its table.

Not here: reading it (``import_source.py``) and writing it (``import_run.py``).
"""

from collections.abc import Callable

from livefile.archive.import_source import ImportedRow, ImportMode, ImportSource
from livefile.functions.app import App
from livefile.model.document import check_document
from livefile.model.document_id import decode_document_id
from livefile.model.table_definition import Document
from livefile.transaction.database import Database
from livefile.vocabulary.errors import ImportFileError, InvalidDocumentIdError, InvalidValueError


class RowCheck:
    """Checks documents of one import against the rules, the schema and what is stored."""

    def __init__(
        self, database: Database, app: Callable[[], App], source: ImportSource, mode: ImportMode
    ) -> None:
        self._database = database
        self._app = app
        self._mode = mode
        self._numbers = {it.number: it.name for it in source.tables if it.number is not None}

    def fields_of(self, row: ImportedRow) -> Document:
        """Return the fields of a document as they will be stored.

        Raises:
            ImportFileError: it is no document of its table.
        """
        fields = {n: it for n, it in row.document.items() if n not in ("_id", "_creationTime")}
        try:
            check_document(row.document)
            if (given := given_id(row)) is not None:
                self._check_id(given, row.table)
            if type(row.document.get("_creationTime", 0.0)) is not float:
                raise InvalidValueError(
                    f"_creationTime must be a number, not {row.document['_creationTime']!r}"
                )
        except (InvalidValueError, InvalidDocumentIdError) as error:
            raise ImportFileError(f"{row.place}: {error}") from error
        definition = self._app().schema.tables.get(row.table)
        if definition is None:
            return fields
        found = definition.validator.mismatch(fields, self._table_name)
        if found is not None:
            raise ImportFileError(
                f'{row.place}: it does not match the schema of table "{row.table}": {found}'
            )
        return {**definition.defaults, **fields}

    def check_is_new(self, row: ImportedRow) -> None:
        """Raise ``ImportFileError`` if a document with this id is stored and will stay."""
        given = given_id(row)
        if given is None or self._mode is not ImportMode.APPEND:
            return  # The other modes leave nothing in the imported tables.
        with self._database.snapshot() as snapshot:
            if snapshot.get(*decode_document_id(given)) is not None:
                raise exists_already(row)

    def _check_id(self, given: str, table: str) -> None:
        number, _ = decode_document_id(given)
        name = self._table_name(number)
        if name not in (None, table):
            raise InvalidDocumentIdError(f'ID "{given}" is of table {name}, want one of {table}')

    def _table_name(self, number: int) -> str | None:
        """Return the name of a table as it will be once the tables have their numbers."""
        return self._numbers.get(number) or self._database.catalog.table_name(number)


def given_id(row: ImportedRow) -> str | None:
    """Return the id that a document comes with, None if it shall get one."""
    given = row.document.get("_id")
    if given is not None and not isinstance(given, str):
        raise ImportFileError(f"{row.place}: _id must be a string, not {given!r:.80}")
    return given


def exists_already(row: ImportedRow) -> ImportFileError:
    """Return the error of a document whose id is that of another one."""
    return ImportFileError(f"{row.place}: there is a document with the id {given_id(row)}")
