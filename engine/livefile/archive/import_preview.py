"""What an import would do, table by table, for somebody who is to confirm it.

Not here: doing it (``import_run.py``), which checks every document once more.
"""

from collections import Counter
from dataclasses import dataclass

from livefile.archive.import_source import ImportMode, ImportSource
from livefile.system.stored_files import FILES
from livefile.transaction.database import Database


@dataclass(frozen=True, slots=True)
class TableChange:
    """How many documents of a table come and how many go; of ``_storage``, stored files."""

    table: str
    added: int
    removed: int


def preview(database: Database, source: ImportSource, mode: ImportMode) -> list[TableChange]:
    """Return what would change, sorted by table. Reads the whole file.

    Raises:
        ImportFileError: something in the file is no document.
    """
    added: Counter[str] = Counter({table.name: 0 for table in source.tables})
    for row in source.rows():
        added[row.table] += 1
    if source.has_files:
        added[FILES] = sum(1 for _ in source.files())
    with database.snapshot() as snapshot:
        changes = []
        tables = snapshot.catalog.tables
        all_names = {name for name, it in tables.items() if not it.is_system or name == FILES}
        for name in sorted({*added, *(all_names if mode is ImportMode.REPLACE_ALL else ())}):
            is_cleared = mode in (ImportMode.REPLACE, ImportMode.REPLACE_ALL)
            if mode is ImportMode.REPLACE and name == FILES:
                is_cleared = False
            stored = tables.get(name)
            count = 0 if stored is None or not is_cleared else snapshot.count(stored.number)
            if added[name] or count or name in added:
                changes.append(TableChange(table=name, added=added[name], removed=count))
    return changes
