"""A database driven by hand: transactions are begun, committed, flushed and published in the
test's own thread, in the order that the test wants.

Not here: functions, queues and threads; tests of those open a ``Livefile``.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import msgpack

from livefile.functions.database import DatabaseReader, DatabaseWriter
from livefile.functions.deploy import Deploy
from livefile.functions.job import runs_at_once
from livefile.model.schema import Schema
from livefile.model.table import Table
from livefile.model.value import Value
from livefile.sqlite.commit_log import CommitRecord, commits_between
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.clock import ManualClock

NO_CALL: bytes = msgpack.packb({"path": "tests:by_hand"})
"""What the commit log keeps of a commit that no function made."""


class Workbench:
    """An open database with the tables of ``models``. A context manager: it closes the file."""

    def __init__(
        self,
        *models: type[Table],
        path: Path | str = ":memory:",
        clock: ManualClock | None = None,
        seed: int = 1,
    ) -> None:
        self.clock = ManualClock() if clock is None else clock
        self.database = Database(path, self.clock)
        self._seeds = Random(seed)
        self._lent: dict[Transaction, ExitStack] = {}
        self.schema = Schema()
        self.declare(*models)

    @property
    def published_ts(self) -> int:
        return self.database.published_ts

    def declare(self, *models: type[Table]) -> None:
        """Bring the file to a schema of these tables."""
        self.schema = Schema(model.__livefile_table__ for model in models)
        run_job = runs_at_once(self.database)
        Deploy(self.database, self.clock, self.schema, NO_CALL, run_job).run()

    def head(self) -> Transaction:
        """Begin a transaction at the head, in the open group."""
        return self.database.committer.begin(self._seeds.getrandbits(64))

    def on_snapshot(self) -> Transaction:
        """Begin a transaction on a snapshot of what is published; ``give_back`` ends it."""
        lent = ExitStack()
        snapshot = lent.enter_context(self.database.snapshot())
        transaction = Transaction(snapshot, self.clock.now_ns(), self._seeds.getrandbits(64))
        self._lent[transaction] = lent
        return transaction

    def past(self, ts: int) -> Transaction:
        """Begin a transaction in the past; ``give_back`` ends it."""
        lent = ExitStack()
        transaction = lent.enter_context(self.database.past(ts, self._seeds.getrandbits(64)))
        self._lent[transaction] = lent
        return transaction

    def reader(self, transaction: Transaction) -> DatabaseReader:
        return DatabaseReader(transaction, self.schema)

    def writer(self, transaction: Transaction) -> DatabaseWriter:
        return DatabaseWriter(transaction, self.schema)

    def commit(self, transaction: Transaction, call: bytes = NO_CALL) -> int:
        """Validate a transaction and put it into the open group."""
        return self.database.committer.commit(transaction, call)

    def settle(self) -> None:
        """Make the open group durable and publish it."""
        self.database.committer.flush()
        self.database.publish()

    @contextmanager
    def change(self) -> Iterator[DatabaseWriter]:
        """Lend a writer at the head; afterwards its transaction is committed and published."""
        transaction = self.head()
        yield self.writer(transaction)
        self.commit(transaction)
        self.settle()

    def rows(self, model: type[Table]) -> list[dict[str, Value]]:
        """Return the published documents of a table, oldest first."""
        with self.database.snapshot() as snapshot:
            reader = self.reader(Transaction(snapshot, self.clock.now_ns(), 0))
            return [row.stored_document for row in reader.query(model)]

    def commits(self) -> Sequence[CommitRecord]:
        """Return the commit log, oldest first."""
        with self.database._connections.read() as connection:
            return list(commits_between(connection, 0, self.published_ts))

    def give_back(self, transaction: Transaction) -> None:
        """End a transaction on a snapshot: there are only so many readers."""
        self._lent.pop(transaction).close()

    def close(self) -> None:
        for transaction in list(self._lent):
            self.give_back(transaction)
        self.database.close()

    def __enter__(self) -> "Workbench":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
