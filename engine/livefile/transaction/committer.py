"""The committer: validates transactions, applies them in groups, makes each group durable.

A group is one SQLite transaction. Functions that run on the engine's thread read through the
writer's own connection inside the open group: they begin at the head of the history and cannot
conflict with anything before them. A transaction that began on a snapshot is validated against
every commit since. Either way the same code looks at the read set, applies the writes and appends
to the logs; nothing is published before ``flush`` returns.

Not here: which functions run, and their answers (``functions/``); threads (``engine.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from livefile.model.schema_diff import ANY_VALIDATOR
from livefile.sqlite import blobs, catalog, commit_log, settings
from livefile.sqlite.catalog import Catalog
from livefile.sqlite.connections import Connection, Connections, StorageGuard
from livefile.sqlite.session_requests import RecordedAnswer, SessionRequests
from livefile.transaction.apply import apply
from livefile.transaction.read_set import TABLE_NAMES_INDEX
from livefile.transaction.snapshot import Snapshot
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_log import WriteLog
from livefile.transaction.write_set import WriteSet
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import ConflictError, LivefileError

R = TypeVar("R")

# Far more answers go at one time than come in between, whatever the load.
_REQUEST_TRIM_INTERVAL_NS = 10_000_000


# Not frozen, because making one would take twice the time, and every mutation makes one.
@dataclass(slots=True)
class RequestAnswer:
    """The answer of a mutation under its client's number, to be kept with the commit."""

    session_id: str
    request_number: int
    json: bytes
    log_lines: tuple[str, ...]


class Committer:
    """The only writer. For the engine's thread, or the one that waits for the disk."""

    def __init__(self, connections: Connections, write_log: WriteLog, clock: Clock) -> None:
        self._connections = connections
        self._connection = connections.writer
        self._write_log = write_log
        self._clock = clock
        self._log = commit_log.CommitLog(self._connection)
        self._requests = SessionRequests(self._connection)
        self.durable_ts = self._log.last_ts
        self.durable_catalog = self._catalog = catalog.load(self._connection)
        self._next_request_trim_ns = 0
        self._schema_ts = 0
        self._guard = StorageGuard(connections)
        self._is_open = False
        # Documents of later transactions are younger, though the clock may stand.
        self._next_creation_ns = 0
        self._has_steps = False  # Whether the group holds what ``work`` wrote.
        # The catalog before a transaction at the head made tables; None unless it still may fail.
        self._catalog_before: Catalog | None = None
        self.commits_count = 0
        self.conflicts_count = 0
        """Commits, and transactions that were refused, up to now; for metrics."""
        self.observe_writes: Callable[[WriteSet], None] | None = None
        """Hears of all that is about to be written; for a deploy that is under way."""

    @property
    def head_ts(self) -> int:
        """The timestamp of the newest commit, be it durable or in the open group."""
        return self._log.last_ts

    @property
    def now_ns(self) -> int:
        """The moment that a transaction sees which begins now; it does not go back with the clock.

        Safe for threads.
        """
        return max(self._clock.now_ns(), self._next_creation_ns, self._log.last_ts)

    def begin(self, seed: int) -> Transaction:
        """Begin a transaction at the head of the history, inside the open group."""
        self._open_group()
        self._forget_new_tables()
        snapshot = Snapshot(self._connection, self._log.last_ts, self._catalog)
        return Transaction(snapshot, self.now_ns, seed, self._create_table)

    def find_answer(self, session_id: str, request_number: int) -> RecordedAnswer | None:
        """Return the answer to a client's request if it was committed before."""
        if self._requests.is_surely_new(session_id, request_number):
            return None
        self._open_group()
        with self._guard:
            return self._requests.find(session_id, request_number)

    def commit(
        self, transaction: Transaction, call: bytes, answer: RequestAnswer | None = None
    ) -> int:
        """Put a transaction into the open group and return its commit timestamp.

        A transaction that wrote nothing only is validated; its timestamp is that of its snapshot.
        The commit is neither durable nor published before ``flush``.

        Raises:
            ConflictError: a commit since its snapshot changed something that it read.
            LogTrimmedError: its snapshot is too old to tell.
            DiskFullError: the whole group was rolled back.
            StorageFailedError: the outcome is unknown; nothing may be committed any more.
        """
        snapshot_ts = transaction.snapshot.ts
        # A transaction from before a deploy may hold documents without a new field.
        if snapshot_ts < self._schema_ts or self._write_log.has_conflict(
            transaction.reads, snapshot_ts
        ):
            self.conflicts_count += 1
            raise ConflictError(
                "Documents read from or written to changed while this mutation was being run"
            )
        if not transaction.writes:
            return transaction.snapshot.ts
        self._open_group()
        if not transaction.writes.table_names:
            self._forget_new_tables()
        if self.observe_writes is not None:
            self.observe_writes(transaction.writes)
        ts = transaction.commit_ts or max(self._clock.now_ns(), self._log.last_ts + 1)
        assert ts > self._log.last_ts, "a timestamp that was fixed at the head is the next one"
        with self._guard:
            self._connections.check_transaction()
            applied = apply(self._connection, self._catalog, transaction.writes)
            for blob_id, chunks in transaction.writes.blobs():
                for number, chunk in enumerate(chunks):
                    blobs.add_chunk(self._connection, blob_id, number, chunk)
            self._log.append(ts, applied.images, call)
            if answer is not None:
                self._requests.add(
                    ts,
                    answer.session_id,
                    answer.request_number,
                    answer.json,
                    answer.log_lines,
                )
            self._keep_new_tables()
        self._next_creation_ns = max(self._next_creation_ns, transaction.creation_end_ns)
        self._write_log.append(ts, applied.touched)
        self.commits_count += 1
        return ts

    @property
    def catalog(self) -> Catalog:
        """The tables and indexes at the head of the history."""
        return self._catalog

    def work(self, step: Callable[[Connection, Catalog], R]) -> R:
        """Let ``step`` read the file and write to it, inside the open group, and return its result.

        For what is neither a document nor a table: it makes no commit of its own, and if it fails
        nothing of it stays.
        """
        self._open_group()
        self._forget_new_tables()
        changes_before = self._connection.total_changes()
        with self._guard:
            self._connections.mark()
            try:
                result = step(self._connection, self._catalog)
            except LivefileError:
                self._connections.take_back_part()
                raise
            self._connections.keep_part()
        self._has_steps |= self._connection.total_changes() > changes_before
        return result

    def change_catalog(
        self, step: Callable[[Connection, Catalog], None], call: bytes, *, is_switch: bool = False
    ) -> None:
        """Let ``step`` change tables and indexes, as a commit of its own.

        With ``is_switch``, transactions that began before conflict with it, whatever they read.
        """
        before = self._catalog.tables
        self.work(step)
        with self._guard:
            self._catalog = catalog.load(self._connection)
            ts = max(self._clock.now_ns(), self._log.last_ts + 1)
            self._log.append(ts, (), call)
        if is_switch:
            self._schema_ts = ts
        new = [name.encode() for name in self._catalog.tables if name not in before]
        self._write_log.append(ts, {TABLE_NAMES_INDEX: new})

    def write_setting(self, name: str, value: bytes) -> None:
        """Write a small fact about the deployment; it is durable with the group."""
        self._open_group()
        self._forget_new_tables()
        with self._guard:
            settings.write_setting(self._connection, name, value)

    def flush(self) -> None:
        """Make the open group durable: ``durable_ts`` moves. Returns at once if none is open.

        Raises:
            DiskFullError: the group was rolled back.
            StorageFailedError: the outcome is unknown; nothing may be committed any more.
        """
        if self.seal():
            self.make_durable()
            self.conclude()
            self.checkpoint_if_due()

    # The parts of ``flush``, so that the wait for the disk can be spent on another thread: between
    # ``seal`` and ``conclude`` the committer is for that thread alone.

    def seal(self) -> bool:
        """Complete the open group. Return whether there is one; nothing is added to it any more."""
        if not self._is_open:
            return False
        self._forget_new_tables()
        with self._guard:
            now_ns = self._clock.now_ns()
            if self.has_commits:
                self._log.trim(now_ns)
                if now_ns >= self._next_request_trim_ns:
                    self._requests.trim(now_ns)
                    self._next_request_trim_ns = now_ns + _REQUEST_TRIM_INTERVAL_NS
        return True

    @property
    def has_commits(self) -> bool:
        """Whether the open group wrote something, so that making it durable waits for the disk."""
        return self._log.last_ts > self.durable_ts or self._has_steps

    def make_durable(self) -> None:
        """Commit the sealed group to the disk."""
        with self._guard:
            self._connections.commit()

    def conclude(self) -> None:
        """Move ``durable_ts`` to the group that was made durable."""
        self._is_open = self._has_steps = False
        self.durable_ts, self.durable_catalog = self._log.last_ts, self._catalog

    @property
    def is_checkpoint_due(self) -> bool:
        """Whether ``checkpoint_if_due`` has something to do."""
        return self._connections.is_checkpoint_due

    def checkpoint_if_due(self) -> None:
        """Move pages from the write-ahead log into the file, once enough have gathered."""
        with self._guard:
            self._connections.checkpoint_if_due()

    def empty_log(self, duration_ms_max: int = 0) -> bool:
        """Move all of the write-ahead log into the file, while no group is open.

        With a duration, readers of the log are cut off, and waited for so long. Return whether it
        is empty.
        """
        with self._guard:
            return self._connections.empty_log(duration_ms_max)

    def roll_back(self) -> None:
        """Abandon the open group: none of its transactions ever happened."""
        self._is_open = self._has_steps = False
        if self._guard.is_failed:
            return
        with self._guard:
            self._connections.roll_back()
            self._log.reset()
        self._write_log.discard_after(self.durable_ts)
        self._catalog = self.durable_catalog
        self._catalog_before = None
        self._schema_ts = min(self._schema_ts, self.durable_ts)

    def _open_group(self) -> None:
        if not self._is_open:
            with self._guard:
                self._connections.begin()
                self._is_open = True

    def _create_table(self, name: str) -> Catalog:
        with self._guard:
            if self._catalog_before is None:
                # First, because the function may be stopped at any line.
                self._catalog_before = self._catalog
                self._connections.mark()
            catalog.create_table(self._connection, name, ANY_VALIDATOR)
            self._catalog = catalog.load(self._connection)
        return self._catalog

    def _keep_new_tables(self) -> None:
        if self._catalog_before is not None:
            self._connections.keep_part()
            self._catalog_before = None

    def _forget_new_tables(self) -> None:
        """Take back the tables that a transaction made which was never committed."""
        if self._catalog_before is not None:
            with self._guard:
                self._connections.take_back_part()
            self._catalog = self._catalog_before
            self._catalog_before = None
