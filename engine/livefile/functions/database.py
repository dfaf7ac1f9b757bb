"""``ctx.db``: typed reading and writing of documents inside one transaction.

Documents of declared tables are instances of their class; ``db.table(name)`` reads and writes
plain dictionaries, of any table.

Not here: what a transaction does with them (``transaction/transaction.py``).
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast, overload

from livefile.functions.table_query import TableQuery
from livefile.model.annotation import mark_integers
from livefile.model.document_id import decode_document_id
from livefile.model.id import Id
from livefile.model.index_range import BY_CREATION_TIME, BY_ID, IndexRange, id_interval
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.names import check_table_name
from livefile.model.schema import Schema
from livefile.model.table import Table, TableDefinition
from livefile.model.value import Value, normalize
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import (
    DefinitionError,
    DocumentValidationError,
    InvalidDocumentIdError,
    PaginationError,
)

T = TypeVar("T", bound=Table)

# Any: documents of tables without a schema hold every value.


class DatabaseReader:
    """Reads documents at the transaction's snapshot, own writes included. One for each function."""

    _has_page = False

    def __init__(self, transaction: Transaction, schema: Schema) -> None:
        self._transaction = transaction
        self._schema = schema

    def get(self, id: Id[T]) -> T | None:
        """Return a document by its id, None if there is none.

        Raises:
            InvalidDocumentIdError: the text is no id, or one of a table without a schema.
        """
        stored = self._transaction.get(_checked_id(id))
        if stored is None:
            return None
        document: T = self._definition_of(id).load(stored)  # type: ignore[assignment]  # By its id.
        return document

    @overload
    def query(self, source: type[T]) -> TableQuery[T]: ...
    @overload
    def query(self, source: IndexRange[T]) -> TableQuery[T]: ...
    def query(self, source: type[T] | IndexRange[T]) -> TableQuery[T]:
        """Return a query over a whole table, oldest first, or over a range of an index.

        Raises:
            DefinitionError: ``source`` is neither, or of a table that the app does not declare.
        """
        if isinstance(source, IndexRange):
            definition = self._declared(source.table)
            index, interval = source.index, source.interval()
            if index == BY_ID:
                interval = self._ids_of(definition.name, interval)
        elif isinstance(source, type) and issubclass(source, Table):
            definition = self._declared(source.__livefile_table__.name)
            index, interval = BY_CREATION_TIME, EVERYTHING
        else:
            raise DefinitionError(
                f"ctx.db.query takes a table's class or a range of an index, got {source!r}; for a "
                "table by its name use ctx.db.table(...)"
            )
        return TableQuery(
            _transaction=self._transaction,
            _table=definition.name,
            _index=index,
            _interval=interval,
            _load=definition.load,  # type: ignore[arg-type]  # It loads documents of ``source``.
            _begin_page=self._begin_page,
            _definition=definition,
        )

    @overload
    def normalize_id(self, table: type[T], text: str) -> Id[T] | None: ...
    @overload
    def normalize_id(self, table: str, text: str) -> str | None: ...
    def normalize_id(self, table: type[Table] | str, text: str) -> str | None:
        """Return ``text`` if it is the id of a document of this table, None for everything else.

        The document need not exist.
        """
        name = table if isinstance(table, str) else table.__livefile_table__.name
        return normalized_id(self._transaction, name, text)

    def table(self, name: str) -> "TableReader":
        """Return a table by its name, for documents as plain dictionaries."""
        check_table_name(name)
        return TableReader(self._transaction, name, self._begin_page)

    @property
    def system(self) -> "SystemReader":
        """The tables that Livefile itself keeps, for reading."""
        return SystemReader(self._transaction, self._begin_page)

    def _begin_page(self) -> None:
        """Refuse a second page in one function: the call has one journal."""
        if self._has_page:
            raise PaginationError(
                "MultiplePaginatedDatabaseQueries",
                "This function called paginate a second time; one page for each function is "
                "what a live query can keep in place",
            )
        self._has_page = True

    def _ids_of(self, table: str, interval: Interval) -> Interval:
        entry = self._transaction.table(table)
        return interval if entry is None else id_interval(interval, entry.number)

    def _declared(self, name: str) -> TableDefinition:
        definition = self._schema.tables.get(name)
        if definition is None:
            raise DefinitionError(f"table {name} is not declared by the app")
        return definition

    def _definition_of(self, id: str) -> TableDefinition:
        table_number, _ = decode_document_id(id)
        name = self._transaction.catalog.table_name(table_number)
        definition = self._schema.tables.get(name or "")
        if definition is None:
            raise InvalidDocumentIdError(
                f'ID "{id}" is of table {name or table_number}, which no schema declares; '
                "use ctx.db.table(...)"
            )
        return definition


class DatabaseWriter(DatabaseReader):
    """Reads documents and changes them; nothing shows elsewhere before the commit."""

    def insert(self, document: T) -> Id[T]:
        """Add a document and return its id.

        Raises:
            DocumentValidationError: a field holds what its annotation does not allow.
            InvalidValueError: the document is over a limit.
        """
        definition = self._declared(_checked_document(document).__livefile_table__.name)
        fields = definition.dump(document, self._transaction.catalog.table_name)
        id: Id[T] = self._transaction.insert(definition.name, fields)  # type: ignore[assignment]
        return id  # A text.

    def patch(self, id: Id[T], **fields: Any) -> None:
        """Set some fields of a document; the others stay.

        Raises:
            DocumentNotFoundError: there is no such document.
            DocumentValidationError: no such field, or a value that it cannot have.
        """
        definition = self._definition_of(_checked_id(id))
        table_name = self._transaction.catalog.table_name
        values = {
            name: definition.field_value(name, thing, table_name) for name, thing in fields.items()
        }
        self._transaction.patch(id, values)

    def replace(self, id: Id[T], document: T) -> None:
        """Give a document all fields of another one; its id and creation time stay.

        Raises:
            DocumentNotFoundError: there is no such document.
            DocumentValidationError: ``document`` is of another table, or a field does not fit.
        """
        definition = self._definition_of(_checked_id(id))
        if type(_checked_document(document)) is not definition.model:
            raise DocumentValidationError(
                f'replace: ID "{id}" is of table {definition.name}, the document of '
                f"{type(document).__livefile_table__.name}"
            )
        fields = definition.dump(document, self._transaction.catalog.table_name)
        self._transaction.replace(id, fields)

    def delete(self, id: Id[Any]) -> None:
        """Remove a document.

        Raises:
            DocumentNotFoundError: there is no such document.
        """
        self._transaction.delete(_checked_id(id))

    def table(self, name: str) -> "TableWriter":
        """Return a table by its name, for documents as plain dictionaries.

        A table that does not exist comes into being with its first document.
        """
        check_table_name(name)
        return TableWriter(self._transaction, name, self._begin_page, self._schema)


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
        table_number, _ = decode_document_id(_checked_id(id))
        name = self._transaction.catalog.table_name(table_number)
        if name != self._name:
            raise InvalidDocumentIdError(
                f'ID "{id}" is of table {name or table_number}, want one of {self._name}'
            )
        return id


class SystemReader:
    """``ctx.db.system``: tables whose names begin with an underscore. They cannot be written."""

    def __init__(self, transaction: Transaction, begin_page: Callable[[], None]) -> None:
        self._transaction = transaction
        self._begin_page = begin_page

    def get(self, id: str) -> dict[str, Any] | None:
        """Return a document of a system table by its id, None if there is none."""
        table_number, _ = decode_document_id(_checked_id(id))
        name = self._transaction.catalog.table_name(table_number)
        if name is None or not name.startswith("_"):
            raise InvalidDocumentIdError(
                f'ID "{id}" is of table {name or table_number}, which is no system table'
            )
        return self._table(name).get(id)

    def query(self, name: str) -> TableQuery[dict[str, Any]]:
        """Return a query over a system table, oldest first.

        Raises:
            DefinitionError: there is no such system table.
        """
        return self._table(name).query()

    def normalize_id(self, name: str, text: str) -> str | None:
        """Return ``text`` if it is an id of this system table, None for everything else.

        Raises:
            DefinitionError: there is no such system table.
        """
        self._table(name)
        return normalized_id(self._transaction, name, text)

    def _table(self, name: str) -> TableReader:
        names = [known for known in self._transaction.catalog.tables if known.startswith("_")]
        if name not in names:
            raise DefinitionError(
                f"there is no system table {name!r}; this version has {', '.join(names) or 'none'}"
            )
        return TableReader(self._transaction, name, self._begin_page)


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


def _checked_document(document: object) -> Table:
    if not isinstance(document, Table):
        raise DocumentValidationError(
            f"want a document of a declared table, got {type(document).__name__} {document!r}; "
            "for dictionaries use ctx.db.table(...)"
        )
    return document


def _checked_id(id: object) -> str:
    if not isinstance(id, str):
        raise InvalidDocumentIdError(f"want the id of a document, got {type(id).__name__} {id!r}")
    return id
