"""The database: one file, its committer, and snapshots for everybody else.

Not here: functions and their retries (``functions/runner.py``); threads (``engine.py``).
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from livefile.sqlite import blobs, catalog, commit_log, modules, settings
from livefile.sqlite.catalog import Catalog
from livefile.sqlite.connections import Connections, StorageGuard
from livefile.sqlite.whole_reads import WholeRead
from livefile.transaction.committer import Committer
from livefile.transaction.snapshot import Snapshot
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_log import WriteLog
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import LogTrimmedError
from livefile.vocabulary.limits import TIME_TRAVEL_COMMITS_MAX

# Catalogs kept for snapshots that began before a deploy.
_CATALOGS_MAX = 16


class Database:
    """An open file. ``committer`` is for the engine's thread, the rest is safe for threads."""

    def __init__(self, path: str | Path, clock: Clock) -> None:
        """Open the file, and make it if there is none.

        Raises:
            FileError: it cannot be opened; the message says why.
        """
        self._connections = Connections(path)
        self._clock = clock
        self.path = self._connections.path
        self._published = threading.Condition()
        try:
            with StorageGuard(self._connections):
                settings.make_secret(self._connections.writer, settings.CURSOR_SECRET)
                settings.make_secret(self._connections.writer, settings.UPLOAD_SECRET)
                settings.make_secret(self._connections.writer, settings.TOKEN_SECRET)
                self._published_ts = commit_log.newest_ts(self._connections.writer)
                self._catalogs = [(0, catalog.load(self._connections.writer))]
                self.write_log = WriteLog(self._published_ts)
                self.committer = Committer(self._connections, self.write_log, clock)
        except BaseException:
            self._connections.close()
            raise
        self._is_closed = False

    @property
    def published_ts(self) -> int:
        """The newest durable timestamp; it never goes back, also over restarts."""
        return self._published_ts

    @property
    def catalog(self) -> Catalog:
        """The catalog at ``published_ts``."""
        return self._catalogs[-1][1]

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Lend a snapshot of everything that is durable now.

        Raises:
            SnapshotExpiredError: it was used for so long that the write-ahead log grew too large.
        """
        with self._connections.read(is_long=True) as connection:
            ts = commit_log.newest_ts(connection)
            self._wait_for_publication(ts)
            yield Snapshot(connection, ts, self._catalog_at(ts))

    @contextmanager
    def newest_snapshot(self) -> Iterator[Snapshot | None]:
        """Lend a snapshot to the engine's thread, which publishes and so cannot wait for that.

        It is None in the blink in which a commit is durable but not published.
        """
        with self._connections.read() as connection:
            ts = commit_log.newest_ts(connection)
            is_published = ts <= self._published_ts
            yield Snapshot(connection, ts, self._catalog_at(ts)) if is_published else None

    def prolong(self, snapshot: Snapshot) -> None:
        """Let a newest snapshot be used for long, on another thread; then it may expire too."""
        self._connections.readers.prolong(snapshot.connection)

    @contextmanager
    def past(self, ts: int, seed: int, now_ns: int = 0) -> Iterator[Transaction]:
        """Lend a transaction that sees everything as it was at ``ts``. It cannot be committed.

        What it writes are the images that it would have written then: with the seed and the
        moment ``now_ns`` of a recorded call, those in the commit log.

        Raises:
            LogTrimmedError: the commit log does not reach back to ``ts``, or ``ts`` is to come.
        """
        with self._connections.read(is_long=True) as connection:
            newest_ts = commit_log.newest_ts(connection)
            oldest_ts = commit_log.oldest_ts(connection)
            self._wait_for_publication(newest_ts)
            if not oldest_ts <= ts <= newest_ts:
                raise LogTrimmedError(
                    f"timestamp {ts} is not kept: the commit log of {self.path} holds {oldest_ts} "
                    f"to {newest_ts}"
                )
            snapshot = Snapshot(connection, ts, self._catalog_at(newest_ts))
            transaction = Transaction(snapshot, now_ns, seed)
            commits = commit_log.commits_between(connection, ts, newest_ts, is_descending=True)
            for undone, commit in enumerate(commits):
                if undone >= TIME_TRAVEL_COMMITS_MAX:
                    raise LogTrimmedError(
                        f"timestamp {ts} is more than {TIME_TRAVEL_COMMITS_MAX} commits ago"
                    )
                for write in commit.writes:
                    transaction.overwrite(write.table_number, write.internal_id, write.before)
            yield transaction

    def read_whole(self) -> AbstractContextManager[WholeRead]:
        """Lend a connection for reading everything, which is never cut off for being slow."""
        return self._connections.whole_reads.lend()

    @property
    def log_pages(self) -> int:
        """The pages in the write-ahead log; none if the file is complete by itself."""
        return self._connections.log_pages

    def publish(self) -> None:
        """Let snapshots see what the committer made durable. Engine's thread.

        It answers its calls first, so nobody sees a write before its answer left.
        """
        if self.committer.durable_ts == self._published_ts:
            return
        if self.committer.durable_catalog is not self._catalogs[-1][1]:
            newest = (self.committer.durable_ts, self.committer.durable_catalog)
            self._catalogs = [*self._catalogs[-_CATALOGS_MAX:], newest]
        with self._published:
            self._published_ts = self.committer.durable_ts
            self._published.notify_all()

    def read_chunk(self, blob_id: bytes, number: int) -> bytes | None:
        """Return a chunk of a blob, None if it is not there any more."""
        with self._connections.read() as connection:
            return blobs.read_chunk(connection, blob_id, number)

    def read_setting(self, name: str) -> bytes | None:
        """Return a small fact kept in the file, None if it was never written."""
        with self._connections.read() as connection:
            return settings.read_setting(connection, name)

    def read_modules(self, hashes: Iterable[str]) -> dict[str, tuple[str, str | None]]:
        """Return (source, source map) of pushed modules by their hashes; no missing ones."""
        with self._connections.read(is_long=True) as connection:
            return modules.read_modules(connection, hashes)

    def close(self) -> None:
        """Close the file. What the committer did not flush never happened."""
        with self._published:
            self._is_closed = True
            self._published.notify_all()
        self._connections.close()

    def _wait_for_publication(self, ts: int) -> None:
        """Wait until ``ts`` is published. The file is ahead for the blink after a commit."""
        if self._published_ts < ts:
            with self._published:
                self._published.wait_for(lambda: self._published_ts >= ts or self._is_closed)

    def _catalog_at(self, ts: int) -> Catalog:
        for start_ts, found in reversed(self._catalogs):
            if start_ts <= ts:
                return found
        raise AssertionError("the first catalog is that of every state before it")
