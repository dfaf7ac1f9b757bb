"""The lock that lets one process at a time open a file.

It is a file beside the database, because POSIX locks on the database itself are dropped when
anybody in the process opens and closes it. The lock file goes when the deployment closes.

Not here: SQLite's own locks, which only guard one transaction against another.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from livefile.vocabulary.errors import FileError, FileLockedError

# A process that is killed while it starts another one leaves the lock to that for a moment, until
# that has become a program of its own.
_ORPHANED_S_MAX = 5.0
_POLL_S = 0.01


class FileLock:
    """An exclusive lock for ``path``, held from ``__init__`` to ``release``.

    Raises:
        FileLockedError: another process holds it; the message names its process id.
        FileError: the directory cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        while True:
            self._file = self._open()
            self._lock(path)
            # The holder before us may have removed the file between our open and our lock.
            if self._is_current():
                break
            os.close(self._file)
        os.truncate(self._file, 0)
        with suppress(OSError):  # It is only for the message; the disk may be full.
            os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        """Give the lock up and remove its file."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FileError(
                f"{self._path}: cannot write into this directory ({error.strerror})"
            ) from error

    def _lock(self, path: Path) -> None:
        end = time.monotonic() + _ORPHANED_S_MAX
        while not self._try():
            holder = os.pread(self._file, 32, 0).decode(errors="replace").strip()
            if not _is_gone(holder) or time.monotonic() > end:
                os.close(self._file)
                raise FileLockedError(
                    f"{path}: another process has this file open"
                    f"{f' (process {holder})' if holder else ''}; one process at a time may"
                )
            time.sleep(_POLL_S)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _is_current(self) -> bool:
        try:
            return os.stat(self._path).st_ino == os.fstat(self._file).st_ino
        except FileNotFoundError:
            return False


def _is_gone(process: str) -> bool:
    """Return whether there is no such process; it may still be one that we cannot see."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OverflowError, OSError):
        return False
    return False
