"""An import: documents of a file become documents of tables, in batches that are commits.

Three phases. Every document of the file is checked before anything is written; documents that are
to make way are removed; then the documents are written. How far it came is written in the commit
of each batch, so an import that was cut off goes on exactly where it stopped.

Not here: reading files (``import_source.py`` and its formats), and checking documents
(``row_check.py``).
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import TypeVar

import msgpack

from livefile.archive.file_import import FileImport
from livefile.archive.import_record import IMPORT_SETTING, ImportPhase, ImportRecord, record_of
from livefile.archive.import_source import ImportedRow, ImportMode, ImportSource
from livefile.archive.import_tables import make_tables
from livefile.archive.row_check import RowCheck, exists_already, given_id
from livefile.functions.app import App
from livefile.functions.job import RunJob
from livefile.model.document import check_document
from livefile.model.document_id import decode_document_id, encode_document_id, new_internal_id
from livefile.model.schema_diff import ANY_VALIDATOR
from livefile.model.table_definition import Document
from livefile.model.value_packed import pack, unpack
from livefile.sqlite.catalog import Catalog, TableEntry
from livefile.sqlite.connections import Connection
from livefile.sqlite.schema_change import walk_documents
from livefile.sqlite.table_numbers import has_documents
from livefile.system import stored_files
from livefile.system.stored_files import FILES
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import PendingWrite
from livefile.vocabulary.errors import ImportFileError
from livefile.vocabulary.limits import IMPORT_BATCH_DOCUMENTS_MAX, IMPORT_BATCH_SIZE_BYTES_MAX

T = TypeVar("T")

_REPORT_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is: so many documents of a phase, of how many."""

    phase: ImportPhase
    done: int
    count: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. ``resumed_at`` is how many documents an earlier run had written.

    ``left_out`` names parts of the file that were not imported, some of them if there are many.
    """

    rows: int
    files: int
    tables: tuple[str, ...]
    resumed_at: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import: ``is_anew`` forgets an import that was cut off; ``table`` is for messages."""

    mode: ImportMode
    path: Path
    table: str = ""
    is_anew: bool = False


OnImportProgress = Callable[[ImportProgress], None]


class ImportRun:
    """One import. ``run`` blocks its thread; batches run wherever ``run_job`` says."""

    def __init__(
        self,
        database: Database,
        app: Callable[[], App],
        run_job: RunJob,
        random: Random,
        source: ImportSource,
        options: ImportOptions,
    ) -> None:
        """Take the open file, the code that serves it, and what to import."""
        self._database = database
        self._app = app
        self._run_job = run_job
        self._random = random
        self._source = source
        self._options = options
        self._files = FileImport(run_job, lambda: random.getrandbits(64), _packed_call({}))
        self._check = RowCheck(database, app, source, options.mode)

    def run(self, on_progress: OnImportProgress) -> ImportReport:
        """Import everything, or what an earlier run left.

        Raises:
            ImportFileError: a document does not fit, a table is not as the mode wants it, or
                another import was cut off. If it is a document of the file's own, nothing is
                written.
        """
        record = self._begin(on_progress)
        try:
            return self._import(record, on_progress)
        except ImportFileError:
            kept = record_of(self._database.read_setting(IMPORT_SETTING))
            if kept is not None and kept.rows == kept.files == 0:
                self._forget()  # It can only begin anew, and must not keep others from beginning.
            raise

    # --- The phases ------------------------------------------------------------------------

    def _import(self, record: ImportRecord, on_progress: OnImportProgress) -> ImportReport:
        resumed_at = record.rows
        while record.phase == ImportPhase.CLEAR.name:
            record, removed = self._run_job(partial(self._clear, record))
            if removed:
                on_progress(ImportProgress(ImportPhase.CLEAR, removed, removed))
        record = self._write_files(record, on_progress)
        rows = islice(self._source.rows(), record.rows, None)
        while batch := _next_batch(rows):
            record = self._run_job(partial(self._write, record, batch))
            on_progress(ImportProgress(ImportPhase.WRITE, record.rows, record.count))
        self._forget()
        return ImportReport(
            rows=record.rows,
            files=record.files,
            tables=tuple(it.name for it in self._source.tables if it.name != FILES),
            resumed_at=resumed_at,
            left_out=tuple(self._source.left_out),
        )

    def _forget(self) -> None:
        self._run_job(lambda committer: committer.write_setting(IMPORT_SETTING, b""))

    def _begin(self, on_progress: OnImportProgress) -> ImportRecord:
        found = record_of(self._database.read_setting(IMPORT_SETTING))
        new = ImportRecord(
            source=_hash_of(self._options.path),
            mode=self._options.mode.value,
            table=self._options.table,
            phase=ImportPhase.CLEAR.name,
            files=0,
            rows=0,
            count=0,
        )
        if found is not None and not self._options.is_anew:
            if found.is_same_import(new):
                return found
            into = f'table "{found.table}"' if found.table else "all its tables"
            raise ImportFileError(
                f"{self._database.path}: another import, into {into} with mode {found.mode}, was "
                f"cut off after {found.rows} documents. Run it again to go on with it, or this one "
                "with --anew to forget it"
            )
        self._check_tables()
        count = self._check_rows(on_progress)
        self._run_job(
            lambda committer: committer.write_setting(
                IMPORT_SETTING, replace(new, count=count).packed()
            )
        )
        return replace(new, count=count)

    def _check_tables(self) -> None:
        app = self._app()
        with self._database.snapshot() as snapshot:
            for table in self._source.tables:
                stored = snapshot.catalog.tables.get(table.name)
                if stored is None:
                    continue
                if stored.validator != ANY_VALIDATOR and table.name not in app.schema.tables:
                    raise ImportFileError(
                        f'table "{table.name}" was declared by an app, and its documents must '
                        "match; give that app"
                    )
                if self._options.mode is ImportMode.REQUIRE_EMPTY and has_documents(
                    snapshot.connection, stored.number
                ):
                    raise ImportFileError(
                        f'table "{table.name}" is not empty; use the mode append, replace or '
                        "replaceAll"
                    )

    def _check_rows(self, on_progress: OnImportProgress) -> int:
        """Check all documents of the file; return how many there are, without stored files."""
        for file in self._source.files():
            self._files.check(file)
        count = 0
        for row in self._source.rows():
            self._check.fields_of(row)
            self._check.check_is_new(row)
            count += 1
            if count % _REPORT_ROWS == 0:
                on_progress(ImportProgress(ImportPhase.CHECK, count, count))
        on_progress(ImportProgress(ImportPhase.CHECK, count, count))
        return count

    def _clear(self, record: ImportRecord, committer: Committer) -> tuple[ImportRecord, int]:
        """Remove some documents; if none is left, make the tables and go to the next phase."""
        for table in self._tables_to_clear(committer):
            found = committer.work(partial(_some_of, table))
            if not found:
                continue
            transaction = committer.begin(self._random.getrandbits(64))
            for internal_id, packed in found:
                if table.name == FILES:
                    file_id = encode_document_id(table.number, internal_id)
                    stored_files.delete_file(transaction, file_id)
                    continue
                transaction.writes.put(
                    PendingWrite(
                        table=table,
                        internal_id=internal_id,
                        before=unpack(packed),  # type: ignore[arg-type]  # A document.
                        before_packed=packed,
                    )
                )
            committer.commit(transaction, self._call(transaction))
            return record, len(found)
        wanted = self._source.tables
        is_change = any(
            (entry := committer.catalog.tables.get(table.name)) is None
            or table.number not in (None, entry.number)
            for table in wanted
        )
        if is_change:
            committer.change_catalog(
                lambda connection, current: make_tables(connection, current, wanted),
                _packed_call({}),
                is_switch=True,
            )
        record = replace(record, phase=ImportPhase.WRITE.name)
        _keep(record, committer)
        return record, 0

    def _write_files(self, record: ImportRecord, on_progress: OnImportProgress) -> ImportRecord:
        for file in islice(self._source.files(), record.files, None):
            record = replace(record, files=record.files + 1)
            self._files.write(file, partial(_keep, record))
            on_progress(ImportProgress(ImportPhase.FILES, record.files, record.files))
        return record

    def _tables_to_clear(self, committer: Committer) -> list[TableEntry]:
        tables = committer.catalog.tables.values()
        match self._options.mode:
            case ImportMode.REPLACE_ALL:
                return [it for it in tables if not it.is_system or it.name == FILES]
            case ImportMode.REPLACE:
                names = {table.name for table in self._source.tables}
                return [table for table in tables if table.name in names]
        return []

    def _write(
        self, record: ImportRecord, batch: list[ImportedRow], committer: Committer
    ) -> ImportRecord:
        transaction = committer.begin(self._random.getrandbits(64))
        seed = self._random.getrandbits(64)
        creation_time_ms = transaction.now_ns / 1e6
        for number, row in enumerate(batch):
            creation_time_ms = math.nextafter(creation_time_ms, math.inf)
            table = committer.catalog.tables[row.table]
            fields = self._check.fields_of(row)
            given = given_id(row)
            if given is None:
                internal_id = new_internal_id(seed, transaction.now_ns, number)
            else:
                table_number, internal_id = decode_document_id(given)
                if table_number != table.number:
                    raise ImportFileError(
                        f"{row.place}: the id {given} is of table {table_number}; table "
                        f'"{table.name}" has the number {table.number}'
                    )
            if _exists(transaction, table, internal_id):
                raise exists_already(row)
            document: Document = {
                "_id": encode_document_id(table.number, internal_id),
                "_creationTime": row.document.get("_creationTime", creation_time_ms),
                **fields,
            }
            check_document(document)
            transaction.writes.add(table, internal_id, document)
        committer.commit(transaction, self._call(transaction))
        record = replace(record, rows=record.rows + len(batch))
        _keep(record, committer)
        return record

    def _call(self, transaction: Transaction) -> bytes:
        return _packed_call({"time_ns": transaction.now_ns, "snapshot_ts": transaction.snapshot.ts})


def _keep(record: ImportRecord, committer: Committer) -> None:
    committer.write_setting(IMPORT_SETTING, record.packed())


def _packed_call(facts: dict[str, int]) -> bytes:
    """Return what the commit log keeps of an import."""
    packed: bytes = msgpack.packb({"path": "_system:import", **facts})
    return packed


def _next_batch(rows: Iterator[ImportedRow]) -> list[ImportedRow]:
    batch: list[ImportedRow] = []
    size_bytes = 0
    for row in rows:
        batch.append(row)
        size_bytes += len(pack(row.document))
        if len(batch) >= IMPORT_BATCH_DOCUMENTS_MAX or size_bytes >= IMPORT_BATCH_SIZE_BYTES_MAX:
            break
    return batch


def _some_of(table: TableEntry, connection: Connection, _: Catalog) -> list[tuple[bytes, bytes]]:
    """Return some documents of a table, with their internal ids."""
    return list(islice(walk_documents(connection, table.number, b""), IMPORT_BATCH_DOCUMENTS_MAX))


def _exists(transaction: Transaction, table: TableEntry, internal_id: bytes) -> bool:
    return (
        transaction.writes.get(table.number, internal_id) is not None
        or transaction.snapshot.get(table.number, internal_id) is not None
    )


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
