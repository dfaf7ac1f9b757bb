"""Readers of everything: a backup, an export or a check, each on a snapshot of its own.

They take as long as the file is large, and pin the write-ahead log meanwhile: it grows with every
commit. So they are not of the pool whose long readers are cut off to let the log begin anew; they
are cut off only when the log has become far too large.

Not here: the pool (``readers.py``); what is done with the snapshot (``backup.py``, ``check.py``).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from livefile.sqlite.readers import read_failure
from livefile.vocabulary.errors import BackupError, ClosedError
from livefile.vocabulary.limits import COPY_LOG_SIZE_BYTES_MAX

_LOG_PAGES_MAX = COPY_LOG_SIZE_BYTES_MAX // (4096 + 24)  # A page in the log has a header.


class WholeRead:
    """One reader of everything. ``check`` is to be called now and then."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.reason = ""
        """Why it is to end, once it is."""

    def check(self) -> None:
        """Raise BackupError once the reader is to end."""
        if self.reason:
            raise BackupError(self.reason)


class WholeReads:
    """The readers of everything that are under way. Safe for threads."""

    def __init__(self, open_reader: Callable[[], apsw.Connection], path: Path) -> None:
        """Take what opens a connection, and the path for messages."""
        self._open_reader = open_reader
        self._path = path
        self._reads: set[WholeRead] = set()
        self._changed = threading.Condition()
        self._is_closed = False

    @contextmanager
    def lend(self) -> Iterator[WholeRead]:
        """Lend a connection of its own inside a read transaction, for one thread.

        Raises:
            BackupError: it took so long that the write-ahead log grew too large.
            StorageFailedError: the file could not be read.
        """
        read = self._begin()
        try:
            try:
                read.connection.execute("BEGIN")
                yield read
                read.check()
            except apsw.Error as error:
                read.check()
                raise read_failure(error) from error
        finally:
            self._end(read)

    @property
    def has_any(self) -> bool:
        """Whether one is under way. Cheap, for every checkpoint."""
        return bool(self._reads)

    def cut_off_beyond(self, log_pages: int) -> None:
        """End all of them if the log has more pages than it may have because of them."""
        if log_pages > _LOG_PAGES_MAX:
            self._cut_off(
                f"{self._path}: the write-ahead log grew over {COPY_LOG_SIZE_BYTES_MAX >> 20} MiB "
                "while the file was being copied; try again when less is written"
            )

    def close(self) -> None:
        """End all of them, and wait until they have ended."""
        with self._changed:
            self._is_closed = True
        self._cut_off(f"{self._path} was closed while it was being copied")
        with self._changed:
            self._changed.wait_for(lambda: not self._reads)

    def _cut_off(self, reason: str) -> None:
        with self._changed:
            for read in self._reads:
                read.reason = reason
                # A statement ends now; a backup looks at ``check`` between two steps.
                with suppress(apsw.ConnectionClosedError):
                    read.connection.interrupt()
            self._changed.notify_all()

    def _begin(self) -> WholeRead:
        with self._changed:
            if self._is_closed:
                raise ClosedError(f"{self._path} is closed")
            try:
                read = WholeRead(self._open_reader())
            except apsw.Error as error:
                raise read_failure(error) from error
            self._reads.add(read)
            return read

    def _end(self, read: WholeRead) -> None:
        connection = read.connection
        with suppress(apsw.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if not self._is_closed:
                # What has gathered is moved here, so that no commit has to wait for it. If that
                # fails, it stays in the log, and the writer's own checkpoint meets the same.
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        with self._changed:
            connection.close(True)
            self._reads.discard(read)
            self._changed.notify_all()
