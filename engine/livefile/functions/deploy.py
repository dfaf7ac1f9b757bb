"""A deploy: bringing a file to another schema, beside live traffic, in small jobs.

1. *Prepare*: new indexes are registered, so that every write from now on keeps them up to date.
2. *Check*: the documents of tables whose validator changes are looked at, batch by batch; what the
   old code writes meanwhile is looked at as it is written.
3. *Build*: the entries of older documents are added to the new indexes, batch by batch.
4. *Switch*: one short commit changes validators, indexes and code at one timestamp.
5. *Finish*: defaults of new fields are written into older documents, and entries of dropped
   indexes are removed, batch by batch.

If anything fails up to the switch, the old version goes on as if nothing had happened. After it
nothing can fail but the disk; what a process that died left undone, the next deploy finishes.

Not here: which steps a schema needs (``model/schema_diff.py``); whose jobs run when (``job.py``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from livefile.functions.deploy_progress import DeployProgress, DeployStage, OnProgress, unheard
from livefile.functions.document_batch import Batch, all_batches
from livefile.functions.index_build import IndexBuild
from livefile.functions.job import RunJob, nothing
from livefile.model.schema import Schema
from livefile.model.schema_diff import NewIndex, SchemaDiff, schema_diff
from livefile.model.table_definition import Document, TableDefinition
from livefile.sqlite import catalog, schema_change
from livefile.sqlite.catalog import TableEntry
from livefile.transaction.committer import Committer
from livefile.transaction.database import Database
from livefile.transaction.write_set import WriteSet
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import (
    AppError,
    InvalidValueError,
    LivefileError,
    PushConflictError,
)
from livefile.vocabulary.limits import BATCH_ENTRIES_REMOVED_MAX

T = TypeVar("T")


def no_switch(committer: Committer) -> None:
    """Change nothing but the schema."""


class Deploy:
    """One deploy. ``run`` blocks its thread; the jobs run wherever ``run_job`` runs them.

    What both sides touch is handed over by the jobs themselves: one at a time, waited for.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        schema: Schema,
        call: bytes,
        run_job: RunJob,
        on_progress: OnProgress = unheard,
    ) -> None:
        """Take the schema, what the commit log keeps of its commits, and who hears of progress."""
        self._database = database
        self._clock = clock
        self._schema = schema
        self._call = call
        self._run_job = run_job
        self._on_progress = on_progress
        self._checks: dict[str, TableDefinition] = {}
        self._built: list[NewIndex] = []
        self._violation: AppError | None = None
        self._is_interrupted = False
        self.mismatched_table: str | None = None
        """The table of the document that did not match, once there is one."""

    def run(
        self,
        switch: Callable[[Committer], None] = no_switch,
        undo_switch: Callable[[], None] = nothing,
        switched: Callable[[], None] = nothing,
    ) -> None:
        """Bring the file to the schema: ``prepare`` and ``switch``.

        Raises:
            AppError: a stored document does not match; the message names table, document, field.
            LivefileError: the file could not be written; the old version serves.
        """
        self.prepare()
        self.switch(switch, undo_switch, switched)

    def prepare(self) -> None:
        """Check documents and build indexes; from now on writes keep both true.

        Raises:
            AppError: a stored document does not match; ``mismatched_table`` names its table.
            PushConflictError: another thread called ``interrupt``.
            LivefileError: the file could not be written.
        """
        self._finish()  # What a deploy left undone that was cut off.
        with self._withdrawn_if_it_fails():
            self._prepare()

    def check(self) -> None:
        """Check documents and change nothing: what ``prepare`` would find.

        Raises:
            AppError: a stored document does not match; ``mismatched_table`` names its table.
        """
        self._checks = dict(self._run_job(self._diff).checks)
        for name in self._checks:
            self._for_all_documents(DeployStage.CHECK, name, self._check_batch)

    def switch(
        self,
        switch: Callable[[Committer], None] = no_switch,
        undo_switch: Callable[[], None] = nothing,
        switched: Callable[[], None] = nothing,
        check: Callable[[Committer], None] = no_switch,
    ) -> None:
        """Let the file have what was prepared.

        ``check`` comes first, in the job of the switching commit, and may refuse by raising.
        ``switch`` changes the code in that job; ``undo_switch`` takes that back if the commit
        fails. ``switched`` is called before defaults are filled in.

        Raises:
            LivefileError: as ``prepare``, or what ``check`` raised.
        """
        with self._withdrawn_if_it_fails():
            while not self._run_job(partial(self._switch, check, switch), undo_switch):
                self._prepare()
        switched()
        self._finish()

    def interrupt(self) -> None:
        """Have ``prepare`` fail soon, wherever it is. For any thread; never blocks."""
        self._is_interrupted = True

    def withdraw(self) -> None:
        """Give up what was prepared."""
        # If even this fails, the next deploy or the next start clears up.
        with suppress(LivefileError):
            self._run_job(self.withdraw_job)
            self._finish()

    def withdraw_job(self, committer: Committer) -> None:
        """Give up what was prepared, as a job; index entries are left for the next deploy."""
        committer.observe_writes = None
        if any(table.building for table in committer.catalog.tables.values()):
            committer.change_catalog(
                lambda connection, _: schema_change.withdraw(connection), self._call
            )

    @contextmanager
    def _withdrawn_if_it_fails(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.withdraw()
            raise

    # --- Up to the switch -------------------------------------------------------------------

    def _prepare(self) -> None:
        diff = self._run_step(self._register)
        for name in diff.checks:
            self._for_all_documents(DeployStage.CHECK, name, self._check_batch)
        for name in dict.fromkeys(new.table for new in diff.new_indexes):
            count = self._count(name)
            IndexBuild(self._tables[name], self._clock, self._run_step).run(
                partial(self._tell, DeployStage.BUILD, name, count)
            )

    def _diff(self, committer: Committer) -> SchemaDiff:
        return schema_diff(schema_change.stored_tables(committer.catalog), self._schema)

    def _run_step(self, job: Callable[[Committer], T], undo: Callable[[], None] = nothing) -> T:
        if self._is_interrupted:
            raise PushConflictError(
                "RaceDetected", "another push or deploy has come in between; push again"
            )
        return self._run_job(job, undo)

    def _register(self, committer: Committer) -> SchemaDiff:
        diff = self._diff(committer)
        self._checks = dict(diff.checks)
        self._built = list(diff.new_indexes)
        if self._checks:
            committer.observe_writes = self._look_at
        is_left = any(table.building for table in committer.catalog.tables.values())
        if diff.new_indexes or is_left:
            committer.change_catalog(
                lambda connection, current: schema_change.prepare(connection, current, diff),
                self._call,
            )
        return diff

    def _look_at(self, writes: WriteSet) -> None:
        """Check what the old code writes. It goes on; it is the deploy that fails."""
        for write in writes:
            definition = self._checks.get(write.table.name)
            if self._violation is None and definition is not None and write.after is not None:
                self._violation = self._mismatch(definition, write.after)

    def _check_batch(self, committer: Committer, table: TableEntry, after_id: bytes) -> Batch:
        batch = Batch(self._clock, after_id)
        rows = committer.work(lambda connection, _: batch.read(connection, table.number))
        for _, document in batch.take(rows):
            found = self._mismatch(self._checks[table.name], document)
            if found is not None:
                raise found
        if self._violation is not None:
            raise self._violation
        return batch

    def _mismatch(self, definition: TableDefinition, document: Document) -> AppError | None:
        fields = {name: item for name, item in document.items() if not name.startswith("_")}
        table_name = self._database.committer.catalog.table_name
        found = definition.validator.mismatch(fields, table_name)
        if found is None:
            return None
        self.mismatched_table = definition.name
        return AppError(
            f"Schema validation failed: document {document['_id']!s} of table "
            f'"{definition.name}" does not match the schema: {found}'
        )

    def _switch(
        self,
        check: Callable[[Committer], None],
        switch: Callable[[Committer], None],
        committer: Committer,
    ) -> bool:
        """Switch, unless the old code made a table meanwhile that has to be prepared first."""
        check(committer)
        if self._violation is not None:
            raise self._violation
        diff = self._diff(committer)
        is_prepared = diff.checks.keys() <= self._checks.keys() and all(
            new in self._built for new in diff.new_indexes
        )
        if not is_prepared:
            return False
        # The first commit of a file is made in any case: it dates the log.
        if not diff.is_empty or not committer.head_ts:
            committer.change_catalog(
                lambda connection, current: schema_change.switch(
                    connection, current, self._schema, diff
                ),
                self._call,
                is_switch=True,
            )
        committer.observe_writes = None
        switch(committer)
        return True

    # --- After the switch, or after a deploy that was cut off -------------------------------

    def _finish(self) -> None:
        for table in list(self._tables.values()):
            if table.defaults:
                self._for_all_documents(DeployStage.FILL, table.name, self._fill_batch)
                self._run_job(partial(self._conclude_fill, table.number))
        for index_id in self._run_job(_indexes_to_remove):
            while self._run_job(partial(_remove_batch, index_id)):
                pass

    def _fill_batch(self, committer: Committer, table: TableEntry, after_id: bytes) -> Batch:
        batch = Batch(self._clock, after_id)
        rows = committer.work(lambda connection, _: batch.read(connection, table.number))
        transaction = committer.begin(seed=0)
        for _, document in batch.take(rows):
            lacking = {n: item for n, item in table.defaults.items() if n not in document}
            if lacking:
                # A document that is as large as one may be stays as it is: its readers and the
                # keys of indexes have the default in any case.
                with suppress(InvalidValueError):
                    transaction.patch(str(document["_id"]), lacking)
        if transaction.writes:
            committer.commit(transaction, self._call)
        return batch

    def _conclude_fill(self, table_number: int, committer: Committer) -> None:
        committer.change_catalog(
            lambda connection, _: catalog.set_defaults(connection, table_number, {}), self._call
        )

    def _for_all_documents(
        self,
        stage: DeployStage,
        name: str,
        run_batch: Callable[[Committer, TableEntry, bytes], Batch],
    ) -> None:
        """Run batches over all documents of a table. The table is the newest at each batch."""
        count = self._count(name)
        # What comes after the switch cannot be taken back, so nothing may interrupt it.
        run_job: RunJob = self._run_job if stage is DeployStage.FILL else self._run_step

        def run(after_id: bytes) -> Batch:
            return run_job(
                lambda committer: run_batch(committer, committer.catalog.tables[name], after_id)
            )

        all_batches(run, partial(self._tell, stage, name, count))

    def _count(self, name: str) -> int:
        with self._database.snapshot() as snapshot:  # In this thread: it takes a while.
            return snapshot.count(self._tables[name].number)

    def _tell(self, stage: DeployStage, table: str, count: int, done: int) -> None:
        self._on_progress(DeployProgress(stage, table, done, count))

    @property
    def _tables(self) -> Mapping[str, TableEntry]:
        return self._database.catalog.tables


def _indexes_to_remove(committer: Committer) -> Sequence[int]:
    return committer.work(lambda connection, _: schema_change.indexes_to_remove(connection))


def _remove_batch(index_id: int, committer: Committer) -> bool:
    return committer.work(
        lambda connection, _: schema_change.remove_entries(
            connection, index_id, BATCH_ENTRIES_REMOVED_MAX
        )
    )
