"""Opening the file: the one writer connection and a pool of readers; checkpoints.

Everything that opens the file goes through this module. A second opener in the process, be it
only ``open(path).read()``, silently drops the locks that SQLite holds and loses commits.

Not here: who has a reader (``readers.py``); statements (the other modules of this folder); the
layout (``ddl.sql``).
"""

import errno
import os
import shutil
import tempfile
import time
from contextlib import AbstractContextManager, suppress
from importlib.resources import files
from pathlib import Path

import apsw

from livefile.sqlite.file_lock import FileLock
from livefile.sqlite.readers import Readers
from livefile.sqlite.system_tables import create_system_tables
from livefile.sqlite.upgrade import upgrade
from livefile.sqlite.vector_index import load_functions
from livefile.sqlite.whole_reads import WholeReads
from livefile.vocabulary.errors import DiskFullError, FileError, StorageFailedError
from livefile.vocabulary.limits import (
    FILE_BUSY_MS_MAX,
    READER_AGE_MS_MAX,
    WAL_PAGES_BEFORE_CHECKPOINT,
    WAL_SIZE_BYTES_MAX,
)

Connection = apsw.Connection

APPLICATION_ID = 0x4C697665  # "Live" in ASCII, in the header of every Livefile file.
FORMAT = 4

IN_MEMORY = ":memory:"

_LOG_RETRY_S = 0.005

_WAL_PAGES_MAX = WAL_SIZE_BYTES_MAX // (4096 + 24)  # A page in the log has a header.


class Connections:
    """All connections to one file. ``open`` makes the file if it does not exist.

    The writer belongs to one thread at a time; readers are lent to one thread each.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file, and make it if there is none.

        Raises:
            FileLockedError: another process has it open.
            FileError: it cannot be opened, is no Livefile file, or is of a newer format.
        """
        self._scratch = _scratch_folder() if str(path) == IN_MEMORY else None
        self.path = Path(path).absolute() if self._scratch is None else self._scratch / "live.db"
        self._lock = FileLock(_checked(self.path))
        self.readers = Readers(self._open_reader, self.path)
        self.whole_reads = WholeReads(self._open_reader, self.path)
        self._wal_pages = 0
        self._wal_pages_at_checkpoint = 0
        try:
            self.writer = self._open_writer()
        except BaseException:
            self._lock.release()
            self._remove_scratch()
            raise

    def read(self, *, is_long: bool = False) -> AbstractContextManager[Connection]:
        """Lend a reader inside a read transaction; waits while all are out.

        ``is_long`` is for what may take longer than a blink: it waits while the write-ahead log
        is to begin anew, and is cut off if the log grows too long because of it.
        """
        return self.readers.lend(is_long=is_long)

    def begin(self) -> None:
        """Begin a write transaction on the writer."""
        self.writer.execute("BEGIN IMMEDIATE")

    def check_transaction(self) -> None:
        """Raise an error of SQLite unless the writer's transaction is open.

        SQLite ends it by itself at an I/O error, and a function may have swallowed that error:
        what is written next would be durable at once, each statement by itself.
        """
        if not self.writer.in_transaction:
            raise apsw.AbortError("the transaction was ended by an I/O error")

    def commit(self) -> None:
        """Make the writer's transaction durable."""
        self.writer.execute("COMMIT")

    def roll_back(self) -> None:
        """Undo the writer's transaction, unless SQLite did that by itself, as on a full disk."""
        if self.writer.in_transaction:
            self.writer.execute("ROLLBACK")

    def mark(self) -> None:
        """Begin a part of the writer's transaction that can be taken back by itself."""
        self.writer.execute("SAVEPOINT part")

    def keep_part(self) -> None:
        """Let what was written since ``mark`` be part of the transaction."""
        self.writer.execute("RELEASE part")

    def take_back_part(self) -> None:
        """Undo what was written since ``mark``, unless SQLite undid the whole transaction."""
        if self.writer.in_transaction:
            # There is none yet if the function was stopped just before it was made.
            with suppress(apsw.SQLError):
                self.writer.execute("ROLLBACK TO part")
                self.writer.execute("RELEASE part")

    @property
    def is_checkpoint_due(self) -> bool:
        """Whether enough pages have gathered in the write-ahead log."""
        pages = self._wal_pages - self._wal_pages_at_checkpoint
        return pages >= WAL_PAGES_BEFORE_CHECKPOINT or (
            self.readers.is_holding_off and not self.readers.has_long
        )

    def checkpoint_if_due(self) -> None:
        """Move pages from the write-ahead log into the file, once enough have gathered.

        After a commit, before the next one, on whatever thread makes them: only there does the
        log ever become small again, because no commit comes in between. It begins anew once all
        of it is in the file and no reader needs it. Long readers that overlap never leave such a
        gap, so one is made for them: at a quarter of the limit new ones wait, at half of it those
        that are still there are cut off.
        """
        if not self.is_checkpoint_due:
            return
        pages = self._wal_pages
        if self.whole_reads.has_any:
            # The log cannot begin anew before they end, whoever else is cut off.
            self.whole_reads.cut_off_beyond(pages)
            self._wal_pages_at_checkpoint = pages
            return
        self.readers.cut_off(0 if pages >= _WAL_PAGES_MAX // 2 else READER_AGE_MS_MAX)
        if pages >= _WAL_PAGES_MAX // 4:
            self.readers.hold_off()
        try:
            in_log, in_file = self.writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.BusyError:
            return  # Another program does it at this moment.
        except apsw.Error as error:
            if is_out_of_space(error, self.writer):
                return  # What was committed stays durable in the log; the next commit tries again.
            raise
        self._wal_pages_at_checkpoint = pages
        if in_log == in_file and not self.readers.has_long:
            self.readers.let_in()  # They read the file from now on, and do not hold the log.

    def empty_log(self, duration_ms_max: int = 0) -> bool:
        """Move all of the write-ahead log into the file and cut it to nothing.

        Between two groups only. A plain copy of the file is complete from here to the next commit.
        With a duration, who reads from the log is cut off, and waited for so long.

        Returns:
            Whether it is empty; not if somebody still reads from it.
        """
        deadline_s = time.monotonic() + duration_ms_max / 1000
        if duration_ms_max:
            self.readers.hold_off()
        try:
            while not self._empty_log_now():
                if time.monotonic() >= deadline_s:
                    return False
                self.readers.cut_off(0)
                time.sleep(_LOG_RETRY_S)
        finally:
            self.readers.let_in()
        return True

    @property
    def log_pages(self) -> int:
        """The pages in the write-ahead log that this process has written."""
        return self._wal_pages

    def close(self) -> None:
        """Close everything. The last connection leaves one file without ``-wal`` and ``-shm``.

        What cannot be moved into the file, because the disk is full or broken, stays in the log.
        """
        self.readers.close()
        self.whole_reads.close()
        with suppress(apsw.Error):
            self.writer.close()
        self._lock.release()
        self._remove_scratch()

    def _open_writer(self) -> Connection:
        if not self.path.exists():
            _create_private(self.path)
        try:
            connection = apsw.Connection(str(self.path))
            try:
                self._prepare_writer(connection)
            except BaseException:
                connection.close()  # Else it would live, with its files, as long as the error.
                raise
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise FileError(
                f"{self.path}: this file is no Livefile deployment ({error})"
            ) from error
        except apsw.FullError as error:
            raise DiskFullError(f"{self.path}: the disk is full; nothing was written") from error
        except apsw.Error as error:
            raise FileError(f"{self.path}: cannot open this file for writing ({error})") from error
        return connection

    def _prepare_writer(self, connection: Connection) -> None:
        _configure(connection)
        if connection.readonly("main"):  # SQLite falls back to that by itself.
            raise FileError(f"{self.path}: cannot open this file for writing")
        # Asked of SQLite, which first takes back what a process left that died making the tables.
        if connection.pragma("page_count") == 0:
            _make_tables(connection)
        found = checked_format(connection, self.path)
        upgrade(connection, found, FORMAT)
        create_system_tables(connection)
        connection.pragma("journal_mode", "wal")
        # FULL: a commit is on the disk before anybody hears of it.
        connection.pragma("synchronous", "full" if self._scratch is None else "off")
        connection.pragma("wal_autocheckpoint", 0)
        # A log that had to grow over its limit is cut when it begins anew; others are reused as
        # they are, which is twice as fast as growing again.
        connection.pragma("journal_size_limit", WAL_SIZE_BYTES_MAX)
        connection.set_wal_hook(self._note_wal_pages)

    def _open_reader(self) -> Connection:
        connection = apsw.Connection(str(self.path))
        _configure(connection)
        connection.pragma("query_only", True)
        return connection

    def _empty_log_now(self) -> bool:
        self.writer.set_busy_timeout(0)
        try:
            self.writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return False
        except apsw.Error as error:
            if is_out_of_space(error, self.writer):
                return False  # What was committed stays durable in the log.
            raise
        finally:
            self.writer.set_busy_timeout(FILE_BUSY_MS_MAX)
        self._note_wal_pages(self.writer, "main", 0)
        return True

    def _note_wal_pages(self, connection: Connection, name: str, pages: int) -> int:
        if pages < self._wal_pages:  # The log has begun anew.
            self._wal_pages_at_checkpoint = 0
            self.readers.let_in()
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _remove_scratch(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


class StorageGuard:
    """Turns SQLite's errors on the write path into the two that callers tell apart.

    A full disk is an answer: nothing was written. Every other error leaves the outcome unknown,
    so ``is_failed`` stays set and the guard lets nothing more through.
    """

    def __init__(self, connections: Connections) -> None:
        self._path = connections.path
        self._writer = connections.writer
        self.is_failed = False

    def __enter__(self) -> None:
        if self.is_failed:
            raise StorageFailedError(f"{self._path}: an earlier commit failed; restart")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, apsw.Error) and is_out_of_space(error, self._writer):
            raise DiskFullError(f"{self._path}: the disk is full; nothing was written") from error
        if isinstance(error, apsw.Error):
            self.is_failed = True
            raise StorageFailedError(f"{self._path}: {type(error).__name__}: {error}") from error


def is_out_of_space(error: apsw.Error, connection: Connection) -> bool:
    """Return whether a write failed for want of space: of the disk, a quota or a size limit."""
    return isinstance(error, apsw.FullError) or (
        isinstance(error, apsw.IOError)
        and getattr(error, "extendedresult", None) == apsw.SQLITE_IOERR_WRITE
        and connection.system_errno in (errno.EDQUOT, errno.EFBIG, errno.ENOSPC)
    )


def checked_format(connection: Connection, path: Path) -> int:
    """Return the format of a file, at most ours.

    Raises:
        FileError: it is no Livefile file, or is of a newer format.
    """
    try:
        application_id = connection.pragma("application_id")
    except apsw.NotADBError as error:
        raise FileError(f"{path}: this file is no Livefile deployment ({error})") from error
    if application_id != APPLICATION_ID:
        raise FileError(
            f"{path}: this is a SQLite database but no Livefile deployment (application id "
            f"{application_id:#x}, want {APPLICATION_ID:#x}); it was left as it is"
        )
    found = connection.pragma("user_version")
    if found > FORMAT:
        raise FileError(
            f"{path}: this file has format {found}, this version of Livefile reads up to format "
            f"{FORMAT}; it was left as it is"
        )
    return int(found)


def _checked(path: Path) -> Path:
    if not path.parent.is_dir():
        raise FileError(f"{path}: the directory {path.parent} does not exist")
    if path.is_dir():
        raise FileError(f"{path}: this is a directory, not a file")
    return path


def _create_private(path: Path) -> None:
    """Make the file readable for its owner only, before SQLite would make it readable for all."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise FileError(f"{path}: cannot create this file ({error.strerror})") from error


def _configure(connection: Connection) -> None:
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    # Keep a prepared statement's plan. Without this, every new bound of a range makes SQLite plan
    # again, which takes three times as long as the scan.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.pragma("cell_size_check", True)
    # For a shell that somebody has open on the file; no second Livefile gets this far.
    connection.set_busy_timeout(FILE_BUSY_MS_MAX)
    connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
    load_functions(connection)


def _make_tables(connection: Connection) -> None:
    with connection:
        connection.execute(files("livefile.sqlite").joinpath("ddl.sql").read_text())
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", FORMAT)


def _scratch_folder() -> Path:
    """Return a new folder in memory where the machine has one, else a temporary one."""
    memory = Path("/dev/shm")
    folder = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="livefile-", dir=folder))
