"""``ctx.db.system``: the tables that Livefile keeps and that apps may read.

Not here: which tables there are (``sqlite/system_tables.py``) and who writes them (``system/``).
"""

from collections.abc import Callable
from typing import Any

from livefile.functions.table_query import TableQuery
from livefile.functions.untyped_table import TableReader, checked_id, normalized_id
from livefile.model.document_id import decode_document_id
from livefile.sqlite.system_tables import READABLE_TABLES
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import DefinitionError, InvalidDocumentIdError


class SystemReader:
    """Reads system tables. Nothing writes them but what they are for."""

    def __init__(self, transaction: Transaction, begin_page: Callable[[], None]) -> None:
        self._transaction = transaction
        self._begin_page = begin_page

    def get(self, id: str) -> dict[str, Any] | None:
        """Return a document of a system table by its id, None if there is none."""
        table_number, _ = decode_document_id(checked_id(id))
        name = self._transaction.catalog.table_name(table_number)
        if name not in READABLE_TABLES:
            raise InvalidDocumentIdError(
                f'ID "{id}" is of table {name or table_number}, want one of '
                f"{', '.join(READABLE_TABLES)}"
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
        if name not in READABLE_TABLES:
            raise DefinitionError(
                f"there is no system table {name!r}; there are {', '.join(READABLE_TABLES)}"
            )
        return TableReader(self._transaction, name, self._begin_page)
