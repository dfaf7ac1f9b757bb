"""The upkeep of an open deployment: backups, checks, a file that stands still, export and import.

Everything blocks the caller's thread for as long as it takes, while calls go on; none of it is for
the thread that runs the engine's steps.

Not here: what is copied and how (``sqlite/backup.py``, ``archive/``); a file that is not open
(``sqlite/restore.py``).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from livefile.archive.export import Export, ExportReport
from livefile.archive.import_preview import TableChange, preview
from livefile.archive.import_run import ImportOptions, ImportReport, ImportRun, OnImportProgress
from livefile.archive.import_source import ImportFormat, ImportMode, ImportSource
from livefile.archive.snapshot_file import SnapshotFile
from livefile.archive.table_file import TableFile, TakesField, format_of
from livefile.functions.app import App
from livefile.functions.job import RunJob
from livefile.functions.mutations import Mutations
from livefile.model import validator as v
from livefile.model.validator import trusted_tables
from livefile.model.value import Value
from livefile.sqlite import restore
from livefile.sqlite.backup import BackupReport, OnPages, back_up
from livefile.sqlite.check import problems
from livefile.transaction.database import Database
from livefile.vocabulary.errors import BackupError, ImportFileError, OverloadedError
from livefile.vocabulary.limits import (
    CHECK_PROBLEMS_MAX,
    FREEZE_DURATION_MS_MAX,
    FREEZE_WAIT_MS_MAX,
)

WaitFor = Callable[[Callable[[Callable[[Any], None]], None]], Any]


def unheard(done: int, count: int) -> None:
    """Tell nobody how far something is."""


def unheard_import(progress: object) -> None:
    """Tell nobody how far an import is."""


def back_up_file(
    source: str | Path, target: str | Path, on_pages: OnPages = unheard
) -> BackupReport:
    """Write a checked copy of a file that no process has open; see ``Upkeep.back_up``.

    The file may be of an older format and stays so.

    Raises:
        FileLockedError: a process has it open.
        FileError: it is no Livefile file, or the target exists or cannot be made.
    """
    return restore.back_up_closed(Path(source).absolute(), Path(target).absolute(), on_pages)


def restore_file(
    backup: str | Path,
    target: str | Path,
    *,
    sha256: str | None = None,
    is_replacing: bool = False,
) -> BackupReport:
    """Make a copy of a backup that is checked before it gets the name ``target``.

    With ``is_replacing`` it takes the place of a file that is there.

    Raises:
        FileLockedError: a process has the target open.
        FileError: the target exists, or the backup is no Livefile file.
        BackupError: the backup is damaged, or has another hash than ``sha256``.
    """
    return restore.restore(
        Path(backup).absolute(), Path(target), sha256=sha256, is_replacing=is_replacing
    )


class Upkeep:
    """What an operator does with an open file. Safe for threads."""

    def __init__(
        self,
        database: Database,
        mutations: Mutations,
        wait_for: WaitFor,
        run_job: RunJob,
        app: Callable[[], App],
        random: Random,
    ) -> None:
        """Take the open file, its writes, how to wait for the engine's thread, and the code."""
        self._database = database
        self._mutations = mutations
        self._wait_for = wait_for
        self._run_job = run_job
        self._app = app
        self._random = random
        self._is_importing = threading.Lock()

    def back_up(self, target: str | Path, on_pages: OnPages = unheard) -> BackupReport:
        """Write a checked copy of the whole file to ``target``, which must not exist.

        It is the state after exactly one commit, whatever is committed meanwhile. ``on_pages``
        hears how many pages are copied, of how many, and may raise to give it up.

        Raises:
            FileError: the target exists or cannot be made.
            DiskFullError: no room for it.
            BackupError: the copy failed its check, or took so long that the log grew too large.
        """
        return back_up(self._database.read_whole, Path(target).absolute(), on_pages)

    def check(self, on_documents: OnPages = unheard) -> list[str]:
        """Return what is wrong with the file, one sentence each, at most a few; usually nothing.

        ``on_documents`` hears how many documents were checked, of how many.
        """
        found: list[str] = []
        with self._database.read_whole() as read:

            def on_checked(done: int, count: int) -> None:
                read.check()
                on_documents(done, count)

            for problem in problems(read.connection, on_checked):
                found.append(problem)
                if len(found) >= CHECK_PROBLEMS_MAX:
                    return [*found, "... and maybe more"]
        return found

    def export(
        self,
        target: str | Path,
        on_documents: OnPages = unheard,
        *,
        has_files: bool = False,
    ) -> ExportReport:
        """Write all documents of one moment to ``target``, a ZIP file in Convex's layout.

        With ``has_files`` the stored files are in it, too.

        Raises:
            FileError: the target exists or cannot be made.
        """
        path = Path(target).absolute()
        return Export(self._database.read_whole, path, on_documents).snapshot(has_files=has_files)

    def export_table(
        self, target: str | Path, table: str, on_documents: OnPages = unheard
    ) -> ExportReport:
        """Write all documents of one table to ``target``, as JSON Lines.

        Raises:
            FileError: the target exists or cannot be made.
            DefinitionError: there is no such table.
        """
        path = Path(target).absolute()
        return Export(self._database.read_whole, path, on_documents).table(table)

    def import_(
        self,
        source: str | Path,
        table: str | None = None,
        *,
        mode: ImportMode = ImportMode.REQUIRE_EMPTY,
        format: ImportFormat | None = None,
        is_anew: bool = False,
        is_trusted: bool = False,
        on_progress: OnImportProgress = unheard_import,
    ) -> ImportReport:
        """Let the documents of a file be documents of this deployment.

        A ZIP file has all tables, every other format is for one. The format follows from the name
        of the file if it is not given. Documents are written in batches, each a commit. An import
        that was cut off goes on when it is run again; ``is_anew`` forgets it instead. A ZIP file
        that unpacks to far more than its size is refused unless ``is_trusted``.

        Raises:
            ImportFileError: the file cannot be read, a document does not fit, or a table is not as
                the mode wants it. If the file is to blame, nothing was written.
            OverloadedError: another import is under way.
        """
        path = Path(source).absolute()
        if not path.is_file():
            raise ImportFileError(f"{path}: there is no such file")
        format = format or format_of(path)
        if (table is None) is not (format is ImportFormat.ZIP):
            raise ImportFileError(
                f"{path}: a ZIP file names its tables itself"
                if format is ImportFormat.ZIP
                else f"{path}: name the table that these documents are for"
            )
        if not self._is_importing.acquire(blocking=False):
            raise OverloadedError("ImportInProgress", "another import is under way; wait for it")
        options = ImportOptions(mode=mode, path=path, table=table or "", is_anew=is_anew)
        try:
            with self._opened(path, format, table, is_trusted) as opened:
                return ImportRun(
                    self._database, self._app, self._run_job, self._random, opened, options
                ).run(on_progress)
        finally:
            self._is_importing.release()

    def preview_import(
        self, source: Path, table: str | None, *, mode: ImportMode, format: ImportFormat
    ) -> list[TableChange]:
        """Return what ``import_`` would change. Reads the whole file, writes nothing.

        Raises:
            ImportFileError: the file cannot be read, or something in it is no document.
        """
        with self._opened(source, format, table, is_trusted=True) as opened:
            return preview(self._database, opened, mode)

    @contextmanager
    def frozen(self, duration_ms_max: int = FREEZE_DURATION_MS_MAX) -> Iterator[None]:
        """Hold all writes back while the block runs; the file is complete by itself meanwhile.

        A plain copy of the one file is then a copy of everything. Reads go on; mutations wait.

        Raises:
            BackupError: readers did not let go of the write-ahead log, or others hold the file; or
                the block took longer than allowed, so writes went on before its end.
        """
        hold = self._mutations.hold
        if not self._wait_for(hold.ask):
            raise BackupError(
                f"{self._database.path}: cannot be frozen; it is frozen already, or closing"
            )
        timer = threading.Timer(min(duration_ms_max, FREEZE_DURATION_MS_MAX) / 1000, hold.release)
        timer.daemon = True
        try:
            if not self._database.committer.empty_log(FREEZE_WAIT_MS_MAX):
                raise BackupError(
                    f"{self._database.path}: cannot be frozen; somebody reads from the write-ahead "
                    f"log for longer than {FREEZE_WAIT_MS_MAX} ms"
                )
            timer.start()
            yield
        except BaseException:
            timer.cancel()
            hold.release()
            raise
        timer.cancel()
        if not hold.release():
            raise BackupError(
                f"{self._database.path}: writes went on before the end, because it took longer "
                f"than {min(duration_ms_max, FREEZE_DURATION_MS_MAX)} ms or the deployment was "
                "closed; throw the copy away"
            )

    @contextmanager
    def _opened(
        self, path: Path, format: ImportFormat, table: str | None, is_trusted: bool
    ) -> Iterator[ImportSource]:
        if table is None:
            with SnapshotFile(path, is_trusted=is_trusted) as opened:
                yield opened
        else:
            yield TableFile(path, format, table, self._takes(table))

    def _takes(self, table: str) -> TakesField:
        """Return whether a table takes a value in one field, whatever its others are."""
        definition = self._app().schema.tables.get(table)
        shapes = [] if definition is None else list(_shapes(definition.validator))

        def takes(name: str, value: Value) -> bool:
            fields = [shape.fields.get(name) for shape in shapes]
            return not fields or any(
                field is None or field.validator.mismatch(value, trusted_tables) is None
                for field in fields
            )

        return takes


def _shapes(validator: v.Validator) -> Iterator[v.Object]:
    """Yield the objects that documents may be; none if they may be anything."""
    if isinstance(validator, v.Object):
        yield validator
    if isinstance(validator, v.Union):
        for member in validator.members:
            yield from _shapes(member)
