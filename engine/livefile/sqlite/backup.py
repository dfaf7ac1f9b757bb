"""A verified copy of a whole file, made while commits go on.

The pages of one snapshot are copied into a partial file beside the target. It gets its final name
only when it is complete, checked and on the disk; whoever is killed before leaves the partial file
and nothing else.

Not here: who lends the snapshot (``connections.py``); putting a copy back (``restore.py``).
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from livefile.sqlite import commit_log
from livefile.sqlite.connections import Connection, is_out_of_space
from livefile.sqlite.whole_reads import WholeRead
from livefile.vocabulary.errors import BackupError, DiskFullError, FileError
from livefile.vocabulary.limits import BACKUP_STEP_PAGES_MAX

PARTIAL_SUFFIX = ".partial"

_HASH_STEP_BYTES = 1 << 20
_CHECK_STEP = 100_000  # Of SQLite's instructions, some milliseconds.
# So that the last flush, for which commits of the same disk may have to wait, is short.
_PAGES_BETWEEN_FLUSHES = 4_096

OnPages = Callable[[int, int], None]
"""Hears how many pages are copied, of how many."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup that is complete: the state after exactly the commit ``ts``."""

    path: Path
    ts: int
    size_bytes: int
    sha256: str


def back_up(
    lend: Callable[[], AbstractContextManager[WholeRead]], target: Path, on_pages: OnPages
) -> BackupReport:
    """Copy everything at one moment to a file that does not exist yet.

    Blocks for as long as copying and checking take; the snapshot that ``lend`` gives is held while
    copying only. ``on_pages`` may raise to give it up.

    Raises:
        FileError: the target exists or cannot be made.
        DiskFullError: no room for it.
        BackupError: the copy failed its check.
    """
    with partial_file(target) as partial:
        try:
            with lend() as read:
                # The first read: from here on the snapshot stands still.
                ts = commit_log.newest_ts(read.connection)
                _copy_pages(read, partial, on_pages)
            problems = pages_check(partial, on_pages)
        except apsw.Error as error:
            raise BackupError(f"{target}: {type(error).__name__}: {error}") from error
        if problems:
            raise BackupError(f"{target}: the copy failed its check: {problems[0]}")
        sha256 = hash_of(partial)
        size_bytes = partial.stat().st_size
    return BackupReport(path=target, ts=ts, size_bytes=size_bytes, sha256=sha256)


@contextmanager
def partial_file(target: Path, *, is_replacing: bool = False) -> Iterator[Path]:
    """Lend a file that only its owner can read; it becomes ``target`` once the block is left.

    If the block raises, nothing is left. Without ``is_replacing`` there must be no target.

    Raises:
        FileError: the target exists or cannot be made.
    """
    if target.exists() and not is_replacing:
        raise FileError(f"{target}: this file exists; it was left as it is")
    try:
        handle, name = tempfile.mkstemp(
            prefix=f"{target.name}.", suffix=PARTIAL_SUFFIX, dir=target.parent
        )
    except OSError as error:
        raise FileError(f"{target}: cannot create this file ({error.strerror})") from error
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        _flush(partial)
        partial.rename(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    flush_folder(target.parent)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_HASH_STEP_BYTES):
            found.update(part)
    return found.hexdigest()


def flush_folder(folder: Path) -> None:
    """Make a new name in a folder durable, where the file system can."""
    with suppress(OSError):
        _flush(folder)


def pages_check(path: Path, on_pages: OnPages) -> list[str]:
    """Return what SQLite finds wrong with a closed file, which nobody changes meanwhile.

    ``on_pages`` is called now and then, with the file complete, and may raise to give it up.
    """
    with opened_still(path) as connection:
        count = connection.pragma("page_count")

        def go_on() -> bool:
            on_pages(count, count)
            return False

        connection.set_progress_handler(go_on, _CHECK_STEP)
        rows = [text for (text,) in connection.execute("PRAGMA integrity_check(10)")]
    return [] if rows == ["ok"] else rows


@contextmanager
def opened_still(path: Path) -> Iterator[Connection]:
    """Lend a connection to a closed file which nobody changes: without locks or files beside it."""
    uri = f"{path.absolute().as_uri()}?immutable=1"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with closing(apsw.Connection(uri, flags=flags)) as connection:
        yield connection


def _copy_pages(read: WholeRead, target: Path, on_pages: OnPages) -> None:
    connection = apsw.Connection(str(target))
    try:
        connection.pragma("journal_mode", "off")  # What is cut off is thrown away as a whole.
        connection.pragma("synchronous", "off")  # It is flushed before it gets its name.
        # The source's read transaction is open: without one, every commit between two steps would
        # make the copy begin again, and under load it would never end.
        with connection.backup("main", read.connection, "main") as backup:
            flushed = 0
            while not backup.done:
                backup.step(BACKUP_STEP_PAGES_MAX)
                read.check()
                copied = backup.page_count - backup.remaining
                on_pages(copied, backup.page_count)
                if copied - flushed >= _PAGES_BETWEEN_FLUSHES:
                    flushed = copied
                    _flush(target)
    except apsw.Error as error:
        if is_out_of_space(error, connection):
            raise DiskFullError(f"{target}: the disk is full; no backup was made") from error
        raise
    finally:
        connection.close()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
