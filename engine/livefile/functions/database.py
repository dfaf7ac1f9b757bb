"""``ctx.db``: typed reading and writing of documents inside one transaction.

Documents of declared tables are instances of their class; ``db.table(name)`` reads and writes
plain dictionaries, of any table.

Not here: what a transaction does with them (``transaction/transaction.py``).
"""

from collections.abc import Sequence
from typing import Any, TypeVar, overload

from livefile.functions.aggregation import Aggregation
from livefile.functions.system_reader import SystemReader
from livefile.functions.table_query import TableQuery
from livefile.functions.text_query import TextQuery
from livefile.functions.untyped_table import TableReader, TableWriter, checked_id, normalized_id
from livefile.functions.vector_query import search_exactly
from livefile.model.document_id import decode_document_id
from livefile.model.filter_expression import Expression
from livefile.model.id import Id
from livefile.model.index_range import BY_CREATION_TIME, BY_ID, IndexRange, id_interval
from livefile.model.index_spec import IndexSpec, Summary
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.names import check_table_name
from livefile.model.schema import Schema
from livefile.model.table import ModelTable, Table
from livefile.model.table_definition import TableDefinition
from livefile.model.text_search import TextSearch, TextSearchSource
from livefile.model.vector_search import VectorMatch, VectorSource
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import (
    DefinitionError,
    DocumentValidationError,
    InvalidDocumentIdError,
    PaginationError,
    SearchError,
)
from livefile.vocabulary.limits import VECTOR_RESULTS

T = TypeVar("T", bound=Table)

_NO_SPEC = IndexSpec(())

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
        stored = self._transaction.get(checked_id(id))
        if stored is None:
            return None
        document: T = self._definition_of(id).load(stored)  # type: ignore[assignment]  # By its id.
        return document

    @overload
    def query(self, source: type[T]) -> TableQuery[T]: ...
    @overload
    def query(self, source: IndexRange[T]) -> TableQuery[T]: ...
    @overload
    def query(self, source: TextSearch[T]) -> TextQuery[T]: ...
    def query(
        self, source: type[T] | IndexRange[T] | TextSearch[T]
    ) -> TableQuery[T] | TextQuery[T]:
        """Return a query over a whole table, oldest first, over a range of an index, or a search.

        Raises:
            DefinitionError: ``source`` is none of them, or of a table that is not declared.
            SearchError: a text index without a text to search for.
        """
        if isinstance(source, TextSearch | TextSearchSource):
            return self._search(source)
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

    def aggregate(self, source: IndexRange[Any]) -> Aggregation:
        """Return the count, the sum, the least and the greatest of a range of an aggregate.

        Raises:
            DefinitionError: ``source`` is no aggregate.
            IndexRangeError: the summed field is fixed.
        """
        found = self._declared(source.table) if isinstance(source, IndexRange) else None
        if found is None or found.specs.get(source.index, _NO_SPEC).summary is not Summary.SUM:
            raise DefinitionError(
                f"ctx.db.aggregate takes a range of an aggregate, got {source!r}; declare one with "
                'aggregate("key", sum="number")'
            )
        return Aggregation.of(self._transaction, found, source)

    def vector_search(
        self,
        source: VectorSource[T],
        vector: Sequence[float],
        *,
        limit: int = VECTOR_RESULTS,
        filter: Expression | None = None,
    ) -> list[VectorMatch[T]]:
        """Return the documents whose vectors are nearest to ``vector``, best first.

        ``filter`` is one equality of a field and a value, or several joined with ``|``. Every
        vector is compared; an action's search is faster.

        Raises:
            SearchError: a vector, a limit or a filter that the index does not take.
        """
        return search_exactly(self._transaction, source, vector, limit, filter)

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

    def table(self, name: str) -> TableReader:
        """Return a table by its name, for documents as plain dictionaries."""
        check_table_name(name)
        return TableReader(self._transaction, name, self._begin_page)

    @property
    def system(self) -> SystemReader:
        """The tables that Livefile itself keeps, for reading."""
        return SystemReader(self._transaction, self._begin_page)

    def _search(self, source: TextSearch[T] | TextSearchSource[T]) -> TextQuery[T]:
        if isinstance(source, TextSearchSource):
            raise SearchError(
                "MissingSearchFilterError",
                f"Search query against {source.table}.{source.index} does not contain any search "
                'filters: want .search("…") after it',
            )
        definition = self._declared(source.source.table)
        return TextQuery(
            _transaction=self._transaction,
            _search=source,
            _definition=definition,
            _load=definition.load,  # type: ignore[arg-type]  # It loads documents of ``source``.
            _begin_page=self._begin_page,
        )

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

    def _declared(self, name: str) -> ModelTable:
        definition = self._schema.tables.get(name)
        if definition is None:
            raise DefinitionError(f"table {name} is not declared by the app")
        return _with_class(definition)

    def _definition_of(self, id: str) -> ModelTable:
        table_number, _ = decode_document_id(id)
        table = self._transaction.catalog.by_number.get(table_number)
        definition = None if table is None else self._schema.tables.get(table.name)
        if definition is None:
            is_system = table is not None and table.is_system
            raise InvalidDocumentIdError(
                f'ID "{id}" is of table {table_number if table is None else table.name}, which no '
                f"schema declares; use {'ctx.db.system' if is_system else 'ctx.db.table(...)'}"
            )
        return _with_class(definition)


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
        definition = self._definition_of(checked_id(id))
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
        definition = self._definition_of(checked_id(id))
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
        table_number, _ = decode_document_id(checked_id(id))
        table = self._transaction.catalog.by_number.get(table_number)
        if table is not None and table.is_system:
            raise InvalidDocumentIdError(
                f'ID "{id}" is of table {table.name}, which only Livefile itself writes'
            )
        self._transaction.delete(id)

    def table(self, name: str) -> TableWriter:
        """Return a table by its name, for documents as plain dictionaries.

        A table that does not exist comes into being with its first document.
        """
        check_table_name(name)
        return TableWriter(self._transaction, name, self._begin_page, self._schema)


def _checked_document(document: object) -> Table:
    if not isinstance(document, Table):
        raise DocumentValidationError(
            f"want a document of a declared table, got {type(document).__name__} {document!r}; "
            "for dictionaries use ctx.db.table(...)"
        )
    return document


def _with_class(definition: TableDefinition) -> ModelTable:
    if not isinstance(definition, ModelTable):
        raise DefinitionError(
            f"table {definition.name} is declared in TypeScript, so its documents have no class; "
            f'use ctx.db.table("{definition.name}")'
        )
    return definition
