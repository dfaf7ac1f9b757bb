"""A disk that fails when told to: SQLite's file system with three switches.

While it is mounted, every file that SQLite opens in this process is on it.
"""

from typing import Any

import apsw

_NAME = "faulty"


class FaultyDisk(apsw.VFS):
    """Mount it with ``with``. ``is_full`` fails writes into databases, ``is_broken`` every sync,
    ``is_unreadable`` every read.

    The write-ahead log can still be written on a full disk, as when the last block was its own.
    """

    def __init__(self) -> None:
        super().__init__(_NAME, "unix", makedefault=True)
        self.is_full = False
        self.is_broken = False
        self.is_unreadable = False

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # SQLite's name.
        # Any: a text or a URIFilename, handed through.
        return _File(self, name, flags)

    def __enter__(self) -> "FaultyDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()
        apsw.set_default_vfs("unix")


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._is_database = bool(flags[0] & apsw.SQLITE_OPEN_MAIN_DB)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # SQLite's name.
        if self._is_database and self._disk.is_full:
            raise apsw.FullError("the disk is full")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # SQLite's name.
        if self._disk.is_broken:
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # SQLite's name.
        if self._disk.is_unreadable:
            raise apsw.exception_for(apsw.SQLITE_IOERR_READ)
        return super().xRead(amount, offset)
