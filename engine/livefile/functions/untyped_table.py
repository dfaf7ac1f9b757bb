"""Tables without types: ``ctx.db.table(name)``, whose documents are plain dictionaries.

Not here: documents of declared tables (``functions/database.py``).
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from livefile.functions.table_query import TableQuery
from livefile.model.annotation import mark_integers
from livefile.model.document_id import decode_document_id
from livefile.model.index_range import BY_CREATION_TIME
from livefile.model.interval import EVERYTHING
from livefile.model.schema import Schema
from livefile.model.value import Value, normalize
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import DocumentValidationError, InvalidDocumentIdError

# Any: documents of tables without a schema hold every value.


class TableReader:
    """One table without types. Documents have ``_id`` and ``_creationTime`` among their fields."""

    def __init__(self, transaction: Transaction, name: str, begin_page: Callable[[], None]) -> None:
        self._transaction = transaction
        self._name = name
        self._begin_page = begin_page

    def get(self, id: str) -> dict[str, Any] | None:
        """Return a document of this table, None if there is none."""
        document = self._transaction.get(self._own_id(id))
        return None if document is None else mark_integers(document)

    def query(self) -> TableQuery[dict[str, Any]]:
        """Return a query over the whole table, oldest first."""
        return TableQuery(
            _transaction=self._transaction,
            _table=self._name,
            _index=BY_CREATION_TIME,
            _interval=EVERYTHING,
            _load=mark_integers,
            _begin_page=self._begin_page,
        )

    def _own_id(self, id: str) -> str:
        table_number, _ = decode_document_id(checked_id(id))
        name = self._transaction.catalog.table_name(table_number)
        if name != self._name:
            raise InvalidDocumentIdError(
                f'ID "{id}" is of table {name or table_number}, want one of {self._name}'
            )
        return id


class TableWriter(TableReader):
    """One table without types, for reading and writing."""

    def __init__(
        self, transaction: Transaction, name: str, begin_page: Callable[[], None], schema: Schema
    ) -> None:
        super().__init__(transaction, name, begin_page)
        self._definition = schema.tables.get(name)

    def insert(self, document: Mapping[str, Any]) -> str:
        """Add a document and return its id."""
        return self._transaction.insert(self._name, self._checked(document))

    def patch(self, id: str, fields: Mapping[str, Any]) -> None:
        """Set some fields of a document; the others stay."""
        current = self._transaction.get(self._own_id(id))
        values = _fields(fields)
        if current is not None:
            self._check(_without_system_fields({**current, **values}))
        self._transaction.patch(id, values)

    def replace(self, id: str, document: Mapping[str, Any]) -> None:
        """Give a document other fields; its id and creation time stay."""
        self._transaction.replace(self._own_id(id), self._checked(document))

    def delete(self, id: str) -> None:
        """Remove a document."""
        self._transaction.delete(self._own_id(id))

    def _checked(self, document: Mapping[str, Any]) -> Document:
        fields = _fields(document)
        self._check(fields)
        return fields if self._definition is None else {**self._definition.defaults, **fields}

    def _check(self, fields: Document) -> None:
        if self._definition is None:
            return
        found = self._definition.validator.mismatch(fields, self._transaction.catalog.table_name)
        if found is not None:
            raise DocumentValidationError(
                f'Failed to insert or update a document in table "{self._name}" because it does '
                f"not match the schema: {found}"
            )


def normalized_id(transaction: Transaction, table: str, text: str) -> str | None:
    """Return ``text`` if it is the id of a document of a table, None for everything else."""
    try:
        table_number, _ = decode_document_id(text)
    except (InvalidDocumentIdError, TypeError):  # The second from what is no text.
        return None
    entry = transaction.table(table)
    return text if entry is not None and entry.number == table_number else None


def _fields(document: Mapping[str, Any]) -> Document:
    return _without_system_fields(cast(dict[str, Value], normalize(dict(document))))


def _without_system_fields(document: Document) -> Document:
    return {n: item for n, item in document.items() if n not in ("_id", "_creationTime")}


def checked_id(id: object) -> str:
    """Return what is a text at least.

    Raises:
        InvalidDocumentIdError: it is not.
    """
    if not isinstance(id, str):
        raise InvalidDocumentIdError(f"want the id of a document, got {type(id).__name__} {id!r}")
    return id
