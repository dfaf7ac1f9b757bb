"""A snapshot as a ZIP file: every table of a deployment as JSON Lines, in Convex's layout.

A file from elsewhere is not trusted: what it says of itself is checked before a byte of it is
unpacked, and everything is read in pieces. No name in it ever becomes a path.

Not here: what becomes of the documents (``import_run.py``); one table (``table_file.py``).
"""

import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO

from livefile.archive.document_line import document_of, lines_of
from livefile.archive.import_source import ImportedFile, ImportedRow, ImportedTable
from livefile.archive.snapshot_layout import (
    README_ENTRY,
    component_listed_in,
    component_of,
    documents_entry,
    schema_entry,
    tables_entry,
)
from livefile.model.document_id import TABLE_NUMBER_MAX
from livefile.model.names import check_stored_table_name
from livefile.system.stored_files import FILES
from livefile.vocabulary.errors import DefinitionError, ImportFileError
from livefile.vocabulary.limits import (
    ZIP_DIRECTORY_SIZE_BYTES_MAX,
    ZIP_RATIO_MAX,
    ZIP_UNPACKED_FREE_SIZE_BYTES,
)

_LEFT_OUT_NAMED_MAX = 20

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_END_LOCATOR_64 = struct.Struct("<4sLQL")
_END_LOCATOR_64_MAGIC = b"PK\x06\x07"
_END_64 = struct.Struct("<4sQ2H2L4Q")
_END_64_MAGIC = b"PK\x06\x06"
_COMMENT_LENGTH_MAX = 0xFFFF
_IN_END_64 = 0xFFFFFFFF
_ENTRY_HEADER_SIZE_BYTES = 30  # Without the name.
_ENCRYPTED = 0x1
_LINK = 0o120000
_KIND = 0o170000


class SnapshotFile:
    """A ZIP file with the tables of a deployment. A context manager; one thread."""

    def __init__(self, path: Path, *, is_trusted: bool = False) -> None:
        """Open it and look through its directory; how far it unpacks is not asked if trusted.

        Raises:
            ImportFileError: it is no snapshot, or made to harm.
        """
        self._path = path
        _check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise ImportFileError(
                f"{path}: this is no ZIP file that can be read ({error})"
            ) from error
        try:
            self._entries = _checked_entries(path, self._zip)
            if not is_trusted:
                _check_ratios(path, self._entries.values())
            self.tables: Sequence[ImportedTable] = self._read_tables()
        except BaseException:
            self._zip.close()
            raise
        known = {README_ENTRY, tables_entry(""), documents_entry(FILES), schema_entry(FILES)}
        known |= {tables_entry(component_of(table.name)) for table in self.tables}
        self._contents = {
            name.removeprefix(f"{FILES}/").partition(".")[0]: entry
            for name, entry in self._entries.items()
            if name.startswith(f"{FILES}/") and name not in known
        }
        known |= {entry.filename for entry in self._contents.values()}
        for table in self.tables:
            known |= {documents_entry(table.name), schema_entry(table.name)}
        others = [name for name in self._entries if name not in known]
        self.left_out: Sequence[str] = others[:_LEFT_OUT_NAMED_MAX]

    @property
    def has_files(self) -> bool:
        """Whether it has stored files, be it none of them."""
        return documents_entry(FILES) in self._entries

    def files(self) -> Iterator[ImportedFile]:
        """Yield the stored files; each is to be read before the next."""
        if not self.has_files:
            return
        for place, line in self._lines(documents_entry(FILES)):
            document = document_of(line, place)
            entry = self._contents.get(str(document.get("_id")))
            if entry is None:
                raise ImportFileError(f"{place}: there is no entry with the bytes of this file")
            yield ImportedFile(
                place=place,
                document=document,
                size_bytes=entry.file_size,
                open=partial(self._open, entry),
            )

    def rows(self) -> Iterator[ImportedRow]:
        """Yield the documents of one table after the other."""
        for table in self.tables:
            if table.name == FILES:
                continue
            for place, line in self._lines(documents_entry(table.name)):
                yield ImportedRow(table=table.name, place=place, document=document_of(line, place))

    def __enter__(self) -> "SnapshotFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def _read_tables(self) -> list[ImportedTable]:
        if tables_entry("") not in self._entries:
            raise ImportFileError(
                f"{self._path}: this is no snapshot: it has no entry {tables_entry('')}"
            )
        tables: dict[str, ImportedTable] = {}
        numbers: set[int] = set()
        for place, component, line in self._listed():
            found = document_of(line, place)
            name, number = found.get("name"), found.get("id")
            if not isinstance(name, str) or not isinstance(number, float):
                raise ImportFileError(
                    f'{place}: want {{"name": ..., "id": ...}}, got {line[:80]!r}'
                )
            if name.startswith("_") and (component or name != FILES):
                continue  # Of the system. All files are the app's.
            name = f"{component}/{name}" if component else name
            try:
                if name != FILES:
                    check_stored_table_name(name)
            except DefinitionError as error:
                raise ImportFileError(f"{place}: {error}") from error
            if not 0 < number <= TABLE_NUMBER_MAX or number != int(number):
                raise ImportFileError(f'{place}: table "{name}" has the number {number}')
            if component and number in numbers:
                continue  # In Convex each component counts anew; here ids would be another table's.
            if name in tables or number in numbers:
                raise ImportFileError(f'{place}: table "{name}" or its number comes twice')
            numbers.add(int(number))
            # A table without an entry of documents is one that was left out of the snapshot.
            if documents_entry(name) in self._entries:
                tables[name] = ImportedTable(name=name, number=int(number))
        return list(tables.values())

    def _listed(self) -> Iterator[tuple[str, str, bytes]]:
        """Yield place, component and line of each table that is listed, the app's own first."""
        found = ((component_listed_in(entry), entry) for entry in self._entries)
        lists = [(component, entry) for component, entry in found if component is not None]
        for component, entry in sorted(lists):
            for place, line in self._lines(entry):
                yield place, component, line

    def _lines(self, entry: str) -> Iterator[tuple[str, bytes]]:
        with self._open(self._entries[entry]) as file:
            yield from lines_of(file, f"{self._path}: {entry}")

    @contextmanager
    def _open(self, entry: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(entry) as file:
                yield file
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zlib.error) as error:
            raise ImportFileError(f"{self._path}: {entry.filename}: damaged ({error})") from error


def _check_directory(path: Path) -> None:
    """Refuse a directory that is too large to be held, before anybody reads it."""
    try:
        with path.open("rb") as file:
            size_bytes = file.seek(0, 2)
            start = max(0, size_bytes - _END.size - _COMMENT_LENGTH_MAX)
            file.seek(start)
            tail = file.read()
            at = tail.rfind(_END_MAGIC)
            if at < 0 or len(tail) - at < _END.size:
                raise ImportFileError(f"{path}: this is no ZIP file: it has no end of a directory")
            directory_bytes = _END.unpack_from(tail, at)[5]
            locator = at - _END_LOCATOR_64.size
            if locator >= 0 and tail[locator:].startswith(_END_LOCATOR_64_MAGIC):
                file.seek(_END_LOCATOR_64.unpack_from(tail, locator)[2])
                end_64 = file.read(_END_64.size)
                if len(end_64) == _END_64.size and end_64.startswith(_END_64_MAGIC):
                    directory_bytes = max(directory_bytes % _IN_END_64, _END_64.unpack(end_64)[8])
    except OSError as error:
        raise ImportFileError(f"{path}: cannot be read ({error.strerror})") from error
    if directory_bytes > ZIP_DIRECTORY_SIZE_BYTES_MAX:
        raise ImportFileError(
            f"{path}: its directory has {directory_bytes} bytes, want at most "
            f"{ZIP_DIRECTORY_SIZE_BYTES_MAX}; a snapshot has two small entries for each table"
        )


def _checked_entries(path: Path, file: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by name; raise if any of them, or all together, are made to harm."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in file.infolist():
        name = entry.filename
        where = f"{path}: entry {name[:100]!r}"
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "\\" in name or "\0" in entry.orig_filename:
            raise ImportFileError(f"{where}: a name in a snapshot leads nowhere else")
        if name in entries:
            raise ImportFileError(f"{where}: it comes twice")
        if entry.external_attr >> 16 & _KIND == _LINK:
            raise ImportFileError(f"{where}: a link; a snapshot has none")
        if entry.flag_bits & _ENCRYPTED:
            raise ImportFileError(f"{where}: it is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ImportFileError(
                f"{where}: packed by method {entry.compress_type}; want deflate, or none"
            )
        entries[name] = entry
    _check_overlap(path, file)
    return entries


def _check_overlap(path: Path, file: zipfile.ZipFile) -> None:
    """Refuse entries that share bytes: so a few become very many."""
    end = file.start_dir
    for entry in sorted(file.infolist(), key=lambda it: it.header_offset, reverse=True):
        if entry.header_offset + _ENTRY_HEADER_SIZE_BYTES + entry.compress_size > end:
            raise ImportFileError(f"{path}: entry {entry.filename[:100]!r}: it overlaps another")
        end = entry.header_offset


def _check_ratios(path: Path, entries: Collection[zipfile.ZipInfo]) -> None:
    for entry in entries:
        where = f"{path}: entry {entry.filename[:100]!r}"
        _check_ratio(where, entry.file_size, entry.compress_size)
    _check_ratio(f"{path}", sum(it.file_size for it in entries), path.stat().st_size)


def _check_ratio(where: str, unpacked_bytes: int, packed_bytes: int) -> None:
    if unpacked_bytes > ZIP_UNPACKED_FREE_SIZE_BYTES + ZIP_RATIO_MAX * packed_bytes:
        raise ImportFileError(
            f"{where}: {packed_bytes} bytes would become {unpacked_bytes}; want at most "
            f"{ZIP_RATIO_MAX} times as many, unless you trust the file and say so"
        )
