"""What does a transfer cost in SQL alone?

Two indexed reads and two updates through apsw in a loop on this thread, durable, one commit each
or one for 64: what ``engine_in_process`` is compared with. Run:
``python -m benchmarks.floor_transfer``.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import apsw

from benchmarks.load import CONNECTIONS, Loader
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question
from benchmarks.workload import ACCOUNTS_COUNT

TRANSFERS_COUNT = 3_200

_TABLES = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, balance REAL NOT NULL);
"""
_READ = "SELECT id, balance FROM accounts WHERE name = ?"
_WRITE = "UPDATE accounts SET balance = ? WHERE id = ?"


@contextmanager
def floor_transfer(_: Loader) -> Iterator[Sequence[Case]]:
    """Fill a database, and lend the cases."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        transfer = RawTransfer(Path(name) / "raw.db")
        try:
            yield [
                Case("floor_transfer", partial(transfer.measure, group), {"group": group})
                for group in (1, CONNECTIONS)
            ]
        finally:
            transfer.close()


class RawTransfer:
    """A file with accounts, and transfers between them in this thread."""

    def __init__(self, path: Path) -> None:
        self._random = Random(1)
        self._connection = apsw.Connection(str(path))
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", "full")
        with self._connection:
            self._connection.execute(_TABLES)
            self._connection.executemany(
                "INSERT INTO accounts (name, balance) VALUES (?, 1000.0)",
                [(f"account-{number}",) for number in range(ACCOUNTS_COUNT)],
            )

    def measure(self, group: int) -> Sample:
        """Run transfers, ``group`` of them for each commit."""
        pairs = [self._random.sample(range(ACCOUNTS_COUNT), 2) for _ in range(TRANSFERS_COUNT)]
        started_cpu_s, latencies_us = time.process_time(), []
        for start in range(0, TRANSFERS_COUNT, group):
            started_s = time.perf_counter()
            self._connection.execute("BEGIN IMMEDIATE")
            for source, target in pairs[start : start + group]:
                self._transfer(source, target)
            self._connection.execute("COMMIT")
            latencies_us.append((time.perf_counter() - started_s) * 1e6)
        cpu_s = time.process_time() - started_cpu_s
        return {"cpu_us": [cpu_s / TRANSFERS_COUNT * 1e6], "commit_us": latencies_us}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _transfer(self, source: int, target: int) -> None:
        for account, amount in ((source, -1.0), (target, 1.0)):
            id, balance = self._connection.execute(_READ, (f"account-{account}",)).get
            self._connection.execute(_WRITE, (balance + amount, id))


if __name__ == "__main__":
    print_question(floor_transfer)
