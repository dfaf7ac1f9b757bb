"""Imports and exports in the background, for those who ask over the wire and watch how they go.

Each has a thread of its own while it works, and a document that says how far it is. The files that
come and go lie in a folder beside the deployment's file while it is open.

Not here: the work (``upkeep.py``); the documents (``system/snapshot_transfers.py``); the routes.
"""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from livefile.archive.import_preview import TableChange
from livefile.archive.import_run import ImportProgress
from livefile.archive.import_source import ImportFormat, ImportMode
from livefile.functions.system_transactions import SystemTransactions
from livefile.model.value import Int64
from livefile.system import snapshot_transfers as stored
from livefile.transaction.write_set import Document
from livefile.upkeep import Upkeep
from livefile.vocabulary.errors import (
    BadRequestError,
    ClosedError,
    LivefileError,
    OverloadedError,
)
from livefile.vocabulary.limits import IMPORTS_WAITING_MAX, SHUTDOWN_DURATION_MS_MAX

_REPORT_ROWS = 10_000
_FOLDER_SUFFIX = "-transfers"


@dataclass(frozen=True, slots=True)
class _Import:
    """An import that has not ended. The file is removed with it."""

    path: Path
    table: str | None
    mode: ImportMode
    format: ImportFormat


class Transfers:
    """The imports and exports of an open deployment. Safe for threads.

    What it does to documents blocks its caller until that is durable.
    """

    def __init__(self, system: SystemTransactions, upkeep: Upkeep, path: Path) -> None:
        """Take how to write, who does the work, and the deployment's file."""
        self._system = system
        self._upkeep = upkeep
        self._folder = path.with_name(f"{path.name}{_FOLDER_SUFFIX}")
        self._has_folder = False
        self._imports: dict[str, _Import] = {}
        self._export: tuple[int, Path] | None = None
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._is_exporting = False
        self._is_closed = threading.Event()
        shutil.rmtree(self._folder, ignore_errors=True)  # Of a process that was killed.
        if system.read(stored.has_unfinished):
            system.submit("transfers", stored.give_up_unfinished, lambda _: None)

    @property
    def folder(self) -> Path:
        """Where files are put together and kept until the deployment is closed."""
        with self._lock:
            if self._is_closed.is_set():
                raise ClosedError("The deployment is closing; try again")
            if not self._has_folder:
                self._folder.mkdir(mode=0o700)
                self._has_folder = True
            return self._folder

    def begin_import(
        self, path: Path, table: str | None, mode: ImportMode, format: ImportFormat
    ) -> str:
        """Take a file in ``folder``, have it looked at, and return the import's id.

        It waits for ``perform_import`` then. The file is the import's from now on.

        Raises:
            OverloadedError: too many wait already.
        """
        with self._lock:
            if len(self._imports) >= IMPORTS_WAITING_MAX:
                raise OverloadedError(
                    "TooManyImports", f"{IMPORTS_WAITING_MAX} imports wait; perform or cancel one"
                )
        facts: Document = {
            "table": table,
            "mode": mode.value,
            "format": format.value,
            "size": float(path.stat().st_size),
        }
        id = self._system.run("import", partial(stored.begin_import, facts=facts))
        with self._lock:
            self._imports[id] = _Import(path=path, table=table, mode=mode, format=format)
        self._start(partial(self._look, id), id)
        return id

    def perform_import(self, id: str) -> None:
        """Begin an import that waits to be confirmed.

        Raises:
            BadRequestError: it does not.
        """
        self._claim(id, {"state": "in_progress", "progress_message": "Importing"})
        self._start(partial(self._import, id), id)

    def cancel_import(self, id: str) -> None:
        """Let an import that waits to be confirmed have failed.

        Raises:
            BadRequestError: it does not wait.
        """
        self._claim(id, stored.failed("Import canceled"))
        self._forget(id)

    def begin_export(self, *, has_files: bool) -> None:
        """Begin an export of everything. The one before is forgotten when this one is done.

        Raises:
            BadRequestError: another one is under way.
        """
        with self._lock:
            if self._is_exporting:
                raise BadRequestError(
                    "ExportInProgress", "another export is under way; wait for it"
                )
            self._is_exporting = True
        try:
            facts: Document = {"includeStorage": has_files}
            id = self._system.run("export", partial(stored.begin_export, facts=facts))
            self._start(partial(self._do_export, id, has_files))
        except BaseException:
            self._is_exporting = False
            raise

    def find_export(self, start_ts: int) -> Path | None:
        """Return the file of the last export, if it is the one of this timestamp."""
        with self._lock:
            found = self._export
        return found[1] if found is not None and found[0] == start_ts else None

    def close(self) -> None:
        """Give up what is under way, and remove all files."""
        self._is_closed.set()
        for thread in list(self._threads):
            thread.join(SHUTDOWN_DURATION_MS_MAX / 1000)
        if self._has_folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    # --- On threads of their own --------------------------------------------------------------

    def _look(self, id: str) -> None:
        found = self._imports[id]
        try:
            changes = self._upkeep.preview_import(
                found.path, found.table, mode=found.mode, format=found.format
            )
        except LivefileError as error:
            self._end_import(id, _failed(error, found))
            return
        self._set_state(
            id,
            {
                "state": stored.WAITING,
                "message_to_confirm": _message(changes),
                # Nothing is lost by what only adds.
                "require_manual_confirmation": any(change.removed for change in changes),
            },
        )

    def _import(self, id: str) -> None:
        found = self._imports[id]
        told: list[object] = [None]

        def on_progress(progress: ImportProgress) -> None:
            self._check_is_open()
            step = (progress.phase, progress.done // _REPORT_ROWS)
            if step != told[0]:
                told[0] = step
                text = f"{progress.phase.value}: {progress.done} of {progress.count}"
                self._set_state(id, {"state": "in_progress", "progress_message": text})

        try:
            report = self._upkeep.import_(
                found.path,
                found.table,
                mode=found.mode,
                format=found.format,
                is_anew=True,  # One that was cut off can only be sent again, under another name.
                is_trusted=True,  # By the holder of the admin key.
                on_progress=on_progress,
            )
        except LivefileError as error:
            self._end_import(id, _failed(error, found))
            return
        self._end_import(id, stored.completed(report.rows + report.files))

    def _do_export(self, id: str, has_files: bool) -> None:
        fields: Document = {"state": "failed"}
        try:
            path = self.folder / f"{id}.zip"
            self._set_export(id, {"state": "in_progress"})
            report = self._upkeep.export(
                path, lambda done, count: self._check_is_open(), has_files=has_files
            )
            with self._lock:
                before, self._export = self._export, (report.ts, path)
            if before is not None:
                before[1].unlink(missing_ok=True)
            fields = {
                "state": "completed",
                "start_ts": Int64(report.ts),
                "complete_ts": Int64(self._system.now_ns),
                "zip_object_key": path.name,
            }
        finally:
            # First: whoever reads that it has ended may begin the next one.
            self._is_exporting = False
            self._set_export(id, fields)

    # --- Inside -------------------------------------------------------------------------------

    def _start(self, work: Callable[[], None], import_id: str | None = None) -> None:
        def run() -> None:
            try:
                work()
            except LivefileError:
                pass  # Its document says so, unless the deployment was closed.
            except Exception:
                if import_id is not None:  # Whoever waits must not wait for ever.
                    self._end_import(import_id, stored.failed("The server failed; see its log"))
                raise
            finally:
                self._threads.discard(thread)

        thread = threading.Thread(target=run, name="livefile transfer", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _check_is_open(self) -> None:
        if self._is_closed.is_set():
            raise ClosedError("given up: the deployment was closed")

    def _claim(self, id: str, state: Document) -> None:
        """Bring an import that waits into another state, once.

        Raises:
            BadRequestError: it does not wait.
        """
        name = self._system.run("import", partial(stored.claim_import, id=id, state=state))
        if name != stored.WAITING or id not in self._imports:
            raise BadRequestError(
                "ImportNotWaiting", f"the import {id:.100} is {name}, not {stored.WAITING}"
            )

    def _end_import(self, id: str, state: Document) -> None:
        self._forget(id)
        self._set_state(id, state)

    def _forget(self, id: str) -> None:
        with self._lock:
            found = self._imports.pop(id, None)
        if found is not None:
            found.path.unlink(missing_ok=True)

    def _set_state(self, id: str, state: Document) -> None:
        self._system.run("import", partial(stored.set_import_state, id=id, state=state))

    def _set_export(self, id: str, fields: Document) -> None:
        self._system.run("export", partial(stored.set_export_state, id=id, fields=fields))


def _failed(error: LivefileError, found: _Import) -> Document:
    # Whoever sent the file knows it by another name.
    return stored.failed(str(error).replace(str(found.path), "the file"))


def _message(changes: list[TableChange]) -> str:
    """Return what is shown to whoever confirms an import."""
    lines = ["This import changes these tables:"]
    lines += [
        f"  {change.table}: {change.added} added, {change.removed} removed" for change in changes
    ]
    return "\n".join(lines)
