"""Putting a backup in the place of a file, and looking at a file that nobody has open.

Not here: making a backup (``backup.py``).
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from livefile.sqlite.backup import (
    BackupReport,
    OnPages,
    back_up,
    hash_of,
    opened_still,
    pages_check,
    partial_file,
)
from livefile.sqlite.commit_log import newest_ts
from livefile.sqlite.connections import checked_format
from livefile.sqlite.file_lock import FileLock
from livefile.sqlite.whole_reads import WholeRead
from livefile.vocabulary.errors import BackupError, FileError

_BESIDE = ("-wal", "-shm", "-journal")


def back_up_closed(path: Path, target: Path, on_pages: OnPages) -> BackupReport:
    """Do what ``back_up`` does for a file that no process has open, and leave it as it is.

    Its format may be an older one: the file is not brought to this version's.

    Raises:
        FileLockedError: a process has it open.
        FileError: it is no Livefile file.
    """
    if not path.is_file():
        raise FileError(f"{path}: there is no such file")
    with _locked(path):

        @contextmanager
        def lend() -> Iterator[WholeRead]:
            with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as source:
                checked_format(source, path)
                source.execute("BEGIN")
                yield WholeRead(source)
                source.execute("ROLLBACK")

        return back_up(lend, target, on_pages)


def restore(
    backup: Path, path: Path, *, sha256: str | None = None, is_replacing: bool = False
) -> BackupReport:
    """Let ``path`` be a copy of a backup, checked before it takes the place of anything.

    With ``is_replacing``, a file that is there is replaced, with what lies beside it. The backup
    stays as it is.

    Raises:
        FileLockedError: a process has ``path`` open.
        FileError: ``path`` exists, or ``backup`` is no Livefile file.
        BackupError: ``backup`` is damaged, or has another hash than ``sha256``.
    """
    path = path.absolute()
    if not backup.is_file():
        raise FileError(f"{backup}: there is no such file")
    if path.exists() and not is_replacing:
        raise FileError(f"{path}: this file exists; it was left as it is")
    for suffix in _BESIDE:
        if backup.with_name(backup.name + suffix).exists():
            raise BackupError(
                f"{backup}: {backup.name}{suffix} lies beside it, so it is no backup but an open "
                "or crashed deployment; use `livefile backup`"
            )
    with _locked(path), partial_file(path, is_replacing=is_replacing) as partial:
        shutil.copyfile(backup, partial)
        ts = _check_backup(partial, backup)
        found = hash_of(partial)
        if sha256 is not None and found != sha256.lower():
            raise BackupError(f"{backup}: its SHA-256 is {found}, want {sha256.lower()}")
        size_bytes = partial.stat().st_size
        # What the replaced file had not taken over yet must not be taken over into this one.
        for suffix in _BESIDE:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    return BackupReport(path=path, ts=ts, size_bytes=size_bytes, sha256=found)


def _check_backup(copy: Path, backup: Path) -> int:
    """Return the newest timestamp of a copy; raise if it is damaged or no deployment."""
    try:
        with opened_still(copy) as connection:
            checked_format(connection, backup)
            ts = newest_ts(connection)
        problems = pages_check(copy, lambda done, count: None)
    except apsw.Error as error:
        raise BackupError(f"{backup}: {type(error).__name__}: {error}") from error
    if problems:
        raise BackupError(f"{backup}: it is damaged: {problems[0]}")
    return ts


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = FileLock(path)
    try:
        yield
    finally:
        lock.release()
