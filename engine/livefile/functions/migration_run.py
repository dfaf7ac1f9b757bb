"""Running a migration: through all documents of a table, in batches that are commits.

How far it came is written in the commit of each batch. So a migration that was cut off goes on
exactly where it stopped, and no document is given to the function twice.

Not here: defining one (``functions/migration.py``); what comes after it, the deploy of the schema
(``functions/deploy.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import cast

import msgpack

from livefile.functions.app import App
from livefile.functions.call_log import CallLog
from livefile.functions.database import DatabaseWriter
from livefile.functions.document_batch import BEFORE_ALL, Batch
from livefile.functions.failure import failure_of
from livefile.functions.job import RunJob
from livefile.functions.migration import Migration, MigrationCtx
from livefile.functions.runner import deploy_record
from livefile.functions.running import RunningCall, current_call
from livefile.model.annotation import mark_integers
from livefile.model.schema import Schema
from livefile.model.schema_diff import ANY_VALIDATOR
from livefile.model.table_definition import Document
from livefile.model.value import normalize
from livefile.model.value_packed import pack
from livefile.sqlite import catalog, migrations
from livefile.sqlite.migrations import MigrationRow
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import (
    AppError,
    DiskFullError,
    DocumentValidationError,
    FunctionError,
    StorageFailedError,
    TransactionLimitError,
)


@dataclass(frozen=True, slots=True)
class MigrationProgress:
    """How far a migration is. ``count`` is how many documents the table had when this run began.

    ``has_run_before`` says that it was finished before, so that this run did nothing.
    """

    seen: int
    changed: int
    count: int
    is_finished: bool
    has_run_before: bool = False
    log_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _BatchResult:
    row: MigrationRow
    log_lines: tuple[str, ...]
    failure: FunctionError | None


OnMigrationProgress = Callable[[MigrationProgress], None]


class MigrationRun:
    """One run of a migration. ``run`` blocks its thread; batches run wherever ``run_job`` says."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        random: Random,
        app: App,
        path: str,
        serving: Schema,
        run_job: RunJob,
        *,
        is_dry_run: bool,
    ) -> None:
        """Take the code with the migration, its path, and the schema of the code that serves.

        Raises:
            AppError: the app has no such migration.
        """
        self._database = database
        self._clock = clock
        self._random = random
        self._app = app
        self._path = path
        self._serving = serving
        self._run_job = run_job
        self._is_dry_run = is_dry_run
        self._migration = _migration_of(app, path)

    def run(self, on_progress: OnMigrationProgress, *, is_again: bool) -> MigrationProgress:
        """Go through the documents that are left; with ``is_again`` through all of them.

        Raises:
            FunctionError: the function raised, or returned what its table does not accept; the
                message names the document. What came before it is done.
            AppError: the file has no such table.
        """
        row = self._run_job(lambda committer: self._start(committer, is_again=is_again))
        with self._database.snapshot() as snapshot:
            count = snapshot.count(row.table_number)
        progress = MigrationProgress(
            seen=row.documents_seen,
            changed=row.documents_changed,
            count=count,
            is_finished=row.is_finished,
            has_run_before=row.is_finished,
        )
        while not progress.is_finished:
            result = self._run_job(partial(self._run_batch, row))
            row = result.row
            progress = replace(
                progress,
                seen=row.documents_seen,
                changed=row.documents_changed,
                is_finished=row.is_finished,
                log_lines=result.log_lines,
            )
            on_progress(progress)
            if result.failure is not None:
                raise result.failure
        return progress

    def _start(self, committer: Committer, *, is_again: bool) -> MigrationRow:
        name = self._migration.table_name
        table = committer.catalog.tables.get(name)
        if table is None:
            raise AppError(f'migration {self._path}: the file has no table "{name}"')
        found = committer.work(lambda connection, _: migrations.find(connection, self._path))
        if found is not None and not is_again:
            return found
        # Documents of two forms match no schema until the migration is done and deployed. What
        # serves keeps its schema: every document is checked against that as well.
        is_bound = name not in self._serving.tables and table.validator != ANY_VALIDATOR
        if is_bound and not self._is_dry_run:
            committer.change_catalog(
                lambda connection, _: catalog.set_validator(
                    connection, table.number, ANY_VALIDATOR
                ),
                deploy_record(self._app),
            )
        return MigrationRow(
            table_number=table.number,
            last_id=BEFORE_ALL,
            documents_seen=0,
            documents_changed=0,
            is_finished=False,
        )

    def _run_batch(self, row: MigrationRow, committer: Committer) -> _BatchResult:
        batch = Batch(self._clock, row.last_id)
        rows = committer.work(lambda connection, _: batch.read(connection, row.table_number))
        seed = self._random.getrandbits(64)
        transaction = committer.begin(seed)
        running = RunningCall(
            path=self._path, log=CallLog(), is_sealed=True, now_ns=transaction.now_ns, seed=seed
        )
        changed = 0
        is_stopped, failure = False, None
        for _, document in batch.take(rows):
            document_id, mark = str(document["_id"]), transaction.writes.mark()
            token = current_call.set(running)
            try:
                changed += self._migrate(transaction, document)
            except (DiskFullError, StorageFailedError, KeyboardInterrupt):
                raise
            except BaseException as error:  # The edge to user code.
                transaction.writes.roll_back(mark)
                is_stopped = True
                # Over a limit of one transaction: the document begins the next one.
                if not isinstance(error, TransactionLimitError) or batch.documents_count == 0:
                    failure = self._failure(document_id, error)
                break
            finally:
                current_call.reset(token)
        row = MigrationRow(
            table_number=row.table_number,
            last_id=batch.last_id,
            documents_seen=row.documents_seen + batch.documents_count,
            documents_changed=row.documents_changed + changed,
            is_finished=batch.is_last and not is_stopped,
        )
        if not self._is_dry_run:
            if transaction.writes:
                committer.commit(transaction, self._record(transaction, seed))
            committer.work(lambda connection, _: migrations.put(connection, self._path, row))
        return _BatchResult(row=row, log_lines=running.log.lines, failure=failure)

    def _migrate(self, transaction: Transaction, document: Document) -> bool:
        """Run the function for one document; return whether the document changed."""
        document_id = str(document["_id"])
        before = pack(_fields_of(document))  # The function may change what it is given.
        ctx = MigrationCtx(DatabaseWriter(transaction, self._app.schema))
        returned = self._migration.body(ctx, mark_integers(document))
        if returned is None:
            return False
        if not isinstance(returned, dict):
            raise DocumentValidationError(
                f"want the document's new fields as a dict, or None; got {returned!r}"
            )
        fields = _fields_of(cast(Document, normalize(returned)))
        definition = self._app.schema.tables.get(self._migration.table_name)
        if definition is not None:
            fields = {
                **fields,
                **{n: it for n, it in definition.defaults.items() if n not in fields},
            }
        for schema in (self._app.schema, self._serving):
            self._check(schema, fields, transaction)
        if pack(fields) == before:  # Bytes, because an integer equals a number in Python.
            return False
        transaction.replace(document_id, fields)
        return True

    def _check(self, schema: Schema, fields: Document, transaction: Transaction) -> None:
        definition = schema.tables.get(self._migration.table_name)
        if definition is None:
            return
        found = definition.validator.mismatch(fields, transaction.catalog.table_name)
        if found is not None:
            raise DocumentValidationError(f"what it returned does not match the schema: {found}")

    def _failure(self, document_id: str, error: BaseException) -> FunctionError:
        text = failure_of(error, "", (), self._app.path, 0).message.partition("\n")[2]
        failure = FunctionError(
            f"{self._path} stopped at document {document_id} of table "
            f'"{self._migration.table_name}": {text}'
        )
        failure.__cause__ = error
        return failure

    def _record(self, transaction: Transaction, seed: int) -> bytes:
        record: bytes = msgpack.packb(
            {
                "path": "_system:migrate",
                "code": self._app.code_hash,
                "args": {"migration": self._path},
                "seed": seed,
                "time_ns": transaction.now_ns,
                "snapshot_ts": transaction.snapshot.ts,
            }
        )
        return record


def _fields_of(document: Document) -> Document:
    return {name: item for name, item in document.items() if name not in ("_id", "_creationTime")}


def _migration_of(app: App, path: str) -> Migration:
    found = app.migrations.get(path)
    if found is None:
        known = ", ".join(sorted(app.migrations)) or "none"
        raise AppError(f"app {app.name} has no migration {path}; it has {known}")
    return found
