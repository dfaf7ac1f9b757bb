"""The pool of readers: who has one, for how long, and when one is taken away.

A reader pins the write-ahead log: what it still sees cannot be overwritten, so the log grows. Two
things keep that bounded. While the log is held off, those who read for long wait until it has
begun anew; and a long reader that is too old is cut off: its connection is closed under it.

Not here: how a connection is opened, and when the log is too long (``connections.py``).
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from livefile.vocabulary.errors import (
    ClosedError,
    OverloadedError,
    SnapshotExpiredError,
    StorageFailedError,
)
from livefile.vocabulary.limits import LOG_RESTART_WAIT_MS_MAX, READER_WAIT_MS_MAX, READERS_MAX


@dataclass(eq=False, slots=True)
class _Loan:
    connection: apsw.Connection
    is_long: bool
    started_s: float
    is_cut_off: bool = False


class Readers:
    """Connections that read, lent to one thread each. Safe for threads."""

    def __init__(self, open_reader: Callable[[], apsw.Connection], path: Path) -> None:
        """Take what opens a connection, and the path for messages."""
        self._open_reader = open_reader
        self._path = path
        self._idle: list[apsw.Connection] = []
        self._count = 0
        self._loans: set[_Loan] = set()
        self._changed = threading.Condition()
        self._is_closed = False
        self.is_holding_off = False

    @contextmanager
    def lend(self, *, is_long: bool) -> Iterator[apsw.Connection]:
        """Lend a reader inside a read transaction; waits while all are out.

        Raises:
            OverloadedError: none came back in time.
            SnapshotExpiredError: it was cut off; what was read is to be thrown away.
            StorageFailedError: the file could not be read.
        """
        loan = self._take(is_long)
        try:
            try:
                loan.connection.execute("BEGIN")
                yield loan.connection
                if not loan.is_cut_off and not loan.connection.in_transaction:
                    # SQLite ends a transaction at an I/O error. Whoever swallowed that error went
                    # on reading, of another state.
                    raise StorageFailedError(f"{self._path}: a read failed")
            except apsw.Error as error:
                raise read_failure(error) from error
            finally:
                _end_transaction(loan)
            if loan.is_cut_off:
                raise SnapshotExpiredError(_EXPIRED)
        finally:
            self._give_back(loan)

    def prolong(self, connection: apsw.Connection) -> None:
        """Let a reader that was lent count as a long one, from now on."""
        with self._changed:
            for loan in self._loans:
                if loan.connection is connection:
                    loan.is_long = True
                    loan.started_s = time.monotonic()

    def hold_off(self) -> None:
        """Let long readers that come now wait, until ``let_in`` or for a bounded time."""
        self.is_holding_off = True

    def let_in(self) -> None:
        """Let long readers begin again."""
        if self.is_holding_off:
            with self._changed:
                self.is_holding_off = False
                self._changed.notify_all()

    @property
    def has_long(self) -> bool:
        """Whether a long reader is out that was not cut off."""
        with self._changed:
            return any(loan.is_long and not loan.is_cut_off for loan in self._loans)

    def cut_off(self, age_ms_min: float) -> None:
        """End the read transactions of all long readers of this age."""
        latest_s = time.monotonic() - age_ms_min / 1000
        with self._changed:
            old = [loan for loan in self._loans if loan.is_long and loan.started_s <= latest_s]
            for loan in old:
                loan.is_cut_off = True
        for loan in old:
            # In the midst of a statement it cannot be closed, but the statement ends now, and then
            # its user closes it.
            with suppress(apsw.ThreadingViolationError, apsw.ConnectionClosedError):
                loan.connection.interrupt()
                loan.connection.close(True)

    def close(self) -> None:
        """Close all; those that are out are closed when they come back."""
        with self._changed:
            self._is_closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            self._changed.notify_all()

    def _take(self, is_long: bool) -> _Loan:
        with self._changed:
            if is_long and self.is_holding_off:
                self._changed.wait_for(
                    lambda: not self.is_holding_off or self._is_closed,
                    timeout=LOG_RESTART_WAIT_MS_MAX / 1000,
                )
            is_free = bool(self._idle) or self._changed.wait_for(
                lambda: bool(self._idle) or self._count < READERS_MAX or self._is_closed,
                timeout=READER_WAIT_MS_MAX / 1000,
            )
            if not is_free:
                raise OverloadedError(
                    "TooManyConcurrentRequests",
                    f"all {READERS_MAX} readers of {self._path} were busy for "
                    f"{READER_WAIT_MS_MAX} ms",
                )
            if self._is_closed:
                raise ClosedError(f"{self._path} is closed")
            if self._idle:
                connection = self._idle.pop()
            else:
                try:
                    connection = self._open_reader()
                except apsw.Error as error:
                    raise read_failure(error) from error
                self._count += 1
            loan = _Loan(connection=connection, is_long=is_long, started_s=time.monotonic())
            self._loans.add(loan)
            return loan

    def _give_back(self, loan: _Loan) -> None:
        with self._changed:
            self._loans.discard(loan)
            if loan.is_cut_off:
                loan.connection.close(True)
                self._count -= 1
            elif self._is_closed:
                loan.connection.close()
            else:
                self._idle.append(loan.connection)
            self._changed.notify_all()


_EXPIRED = "the snapshot is too old: the write-ahead log had to begin anew"


def read_failure(error: apsw.Error) -> SnapshotExpiredError | StorageFailedError:
    """Return what a read that failed in SQLite is for those above."""
    if isinstance(error, apsw.InterruptError | apsw.ConnectionClosedError | apsw.CursorClosedError):
        return SnapshotExpiredError(_EXPIRED)
    return StorageFailedError(f"a read failed: {type(error).__name__}: {error}")


def _end_transaction(loan: _Loan) -> None:
    # It may be cut off, be it at this moment.
    with suppress(apsw.ConnectionClosedError, apsw.InterruptError, apsw.ThreadingViolationError):
        if loan.connection.in_transaction:
            loan.connection.execute("ROLLBACK")
