"""The tables that an app declares.

Not here: what the file holds (``sqlite/catalog.py``) and how it gets there
(``sqlite/schema_change.py``).
"""

from collections.abc import Iterable, Mapping

from livefile.model.table_definition import TableDefinition
from livefile.vocabulary.errors import DefinitionError


class Schema:
    """All declared tables by name. A table that is not declared takes any document."""

    def __init__(self, tables: Iterable[TableDefinition] = ()) -> None:
        by_name: dict[str, TableDefinition] = {}
        for table in tables:
            if by_name.setdefault(table.name, table) is not table:
                raise DefinitionError(f"two classes declare the table {table.name!r}")
        self.tables: Mapping[str, TableDefinition] = dict(sorted(by_name.items()))

    def resolve(self) -> None:
        """Read every annotation now, so that a mistake shows when the app is loaded."""
        for table in self.tables.values():
            assert table.validator
            assert table.defaults is not None
