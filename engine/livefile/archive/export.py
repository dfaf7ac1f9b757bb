"""An export: all tables as a ZIP file, or one table as JSON Lines, all of one moment.

Not here: reading such files (``snapshot_file.py``, ``table_file.py``).
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import orjson

from livefile.archive.document_line import line_of
from livefile.archive.file_export import FileExport
from livefile.archive.snapshot_layout import (
    README_ENTRY,
    component_of,
    documents_entry,
    schema_entry,
    tables_entry,
)
from livefile.model.table_definition import Document
from livefile.model.value_packed import unpack
from livefile.sqlite import catalog, documents
from livefile.sqlite.backup import OnPages, partial_file
from livefile.sqlite.catalog import TableEntry
from livefile.sqlite.commit_log import newest_ts
from livefile.sqlite.schema_change import walk_documents
from livefile.sqlite.whole_reads import WholeRead
from livefile.system.stored_files import FILES
from livefile.vocabulary.errors import DefinitionError

Lend = Callable[[], AbstractContextManager[WholeRead]]

_REPORT_ROWS = 1_000
_README = """A snapshot of a Livefile deployment, in the layout of Convex's snapshots.

Each folder is a table: documents.jsonl has one document a line. _tables/documents.jsonl names the
tables, with the numbers that are inside their documents' ids. Components have their tables in
folders of their own below _components.

Put it into another deployment with `livefile import`.
"""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """An export that is complete: the state after exactly the commit ``ts``."""

    path: Path
    ts: int
    tables: tuple[str, ...]
    rows: int
    files: int


class Export:
    """One export. It blocks its thread; ``on_rows`` hears of documents, and may raise to stop."""

    def __init__(self, lend: Lend, target: Path, on_rows: OnPages) -> None:
        """Take how to read everything of one moment, and the file to be made."""
        self._lend = lend
        self._target = target
        self._on_rows = on_rows
        self._done = 0
        self._count = 0

    def snapshot(self, *, has_files: bool) -> ExportReport:
        """Write all tables of the app into a ZIP file, with ``has_files`` the stored files too.

        Raises:
            FileError: the target exists or cannot be made.
        """
        with partial_file(self._target) as partial, self._lend() as read:
            ts = newest_ts(read.connection)
            tables = _tables_of(read)
            self._begin(read, tables)
            files = FileExport(read) if has_files else None
            named = tables if files is None else [*tables, files.table]
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
                _add(archive, README_ENTRY, [_README.encode()])
                # The app's own list is there even if it has no tables.
                for component in sorted({"", *(component_of(table.name) for table in named)}):
                    own = [table for table in named if component_of(table.name) == component]
                    _add(archive, tables_entry(component), map(_table_line, own))
                for table in tables:
                    _add(archive, documents_entry(table.name), self._lines(read, table))
                    _add(archive, schema_entry(table.name), [b'"uniform"\n'])
                if files is not None:
                    _add(archive, documents_entry(FILES), files.lines())
                    for entry, pieces in files.entries():
                        _add(archive, entry, pieces)
        return self._report(ts, tables, 0 if files is None else files.count)

    def table(self, name: str) -> ExportReport:
        """Write one table as JSON Lines.

        Raises:
            FileError: the target exists or cannot be made.
            DefinitionError: there is no such table.
        """
        with partial_file(self._target) as partial, self._lend() as read:
            ts = newest_ts(read.connection)
            tables = [table for table in _tables_of(read) if table.name == name]
            if not tables:
                known = ", ".join(table.name for table in _tables_of(read)) or "none"
                raise DefinitionError(f'there is no table "{name}"; there are: {known}')
            self._begin(read, tables)
            with partial.open("wb") as file:
                _write_all(file, self._lines(read, tables[0]))
        return self._report(ts, tables)

    def _begin(self, read: WholeRead, tables: list[TableEntry]) -> None:
        self._count = sum(documents.count(read.connection, table.number) for table in tables)
        self._on_rows(0, self._count)

    def _lines(self, read: WholeRead, table: TableEntry) -> Iterator[bytes]:
        for _, packed in walk_documents(read.connection, table.number, b""):
            yield line_of(cast(Document, unpack(packed)))
            self._done += 1
            if self._done % _REPORT_ROWS == 0:
                read.check()
                self._on_rows(self._done, self._count)

    def _report(self, ts: int, tables: list[TableEntry], files_count: int = 0) -> ExportReport:
        self._on_rows(self._done, self._count)
        names = tuple(table.name for table in tables)
        return ExportReport(
            path=self._target, ts=ts, tables=names, rows=self._done, files=files_count
        )


def _tables_of(read: WholeRead) -> list[TableEntry]:
    known = catalog.load(read.connection).tables.values()
    return [table for table in known if not table.name.startswith("_")]


def _table_line(table: TableEntry) -> bytes:
    name = table.name.rpartition("/")[2]  # The folder says of which component it is.
    return orjson.dumps({"name": name, "id": table.number}) + b"\n"


def _add(archive: zipfile.ZipFile, entry: str | zipfile.ZipInfo, lines: Iterable[bytes]) -> None:
    if isinstance(entry, str):
        entry = zipfile.ZipInfo(entry)  # With the same date always: equal states are equal bytes.
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    with archive.open(entry, "w", force_zip64=True) as file:
        _write_all(file, lines)


def _write_all(file: IO[bytes], lines: Iterable[bytes]) -> None:
    for line in lines:
        file.write(line)
