"""When any one call to the disk fails, is nobody told a lie and nothing half-written?

The life of a bank is played again and again, and each time the next call fails: the first write,
the second, and so on until a life ends without a failure; the same for syncs, cuts and reads, once
with one failure and once with all calls failing from there on.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest

from livefile import App, Failure, Livefile, LivefileError, StorageFailedError
from livefile.functions.call import Call, FunctionKind
from tests.torture.figure import Figure, Size
from tests.torture.ledger import ACCOUNTS_COUNT, BALANCE, Transfers, check_bank, load_app, open_bank
from tests.torture.scratch import scratch_folder

_NAME = "failing"
_GROUPS_PER_OPENING = 6
# Every call of a release, every so many-th of a change.
_STRIDE = {Size.T1: 15, Size.T2: 1}
_CASES_MIN = {Size.T1: 180, Size.T2: 2_500}


class Operation(Enum):
    """What the disk is asked for."""

    WRITE = "write"
    SYNC = "sync"
    TRUNCATE = "truncate"
    READ = "read"


class Kind(Enum):
    """How it fails: with an I/O error, for want of space, or half-done for want of space."""

    ERROR = "error"
    FULL = "full"
    SHORT = "short"


_ERROR_CODES = {
    Operation.WRITE: apsw.SQLITE_IOERR_WRITE,
    Operation.SYNC: apsw.SQLITE_IOERR_FSYNC,
    Operation.TRUNCATE: apsw.SQLITE_IOERR_TRUNCATE,
    Operation.READ: apsw.SQLITE_IOERR_READ,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """The call that fails, counted from 1 for its operation, and whether all later ones do."""

    operation: Operation
    kind: Kind
    is_persistent: bool
    number: int

    def __str__(self) -> str:
        later = " and all later ones" if self.is_persistent else ""
        return f"{self.operation.value} {self.number}{later}: {self.kind.value}"


class FailingDisk(apsw.VFS):
    """SQLite's file system with one fault. Mount it with ``with``."""

    def __init__(self, fault: Fault | None) -> None:
        super().__init__(_NAME, "unix", makedefault=True)
        self.fault = fault
        self.calls: Counter[Operation] = Counter()
        self.is_armed = True
        self.has_failed = False

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # SQLite's name.
        # Any: a text or a URIFilename, handed through.
        return _FailingFile(self, name, flags)

    def is_failing(self, operation: Operation) -> bool:
        """Count a call and tell whether it is to fail; neither unless armed."""
        if not self.is_armed:
            return False
        self.calls[operation] += 1
        fault = self.fault
        if fault is None or fault.operation is not operation:
            return False
        count = self.calls[operation]
        is_failing = count >= fault.number if fault.is_persistent else count == fault.number
        self.has_failed |= is_failing
        return is_failing

    def __enter__(self) -> "FailingDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()
        apsw.set_default_vfs("unix")


class _FailingFile(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # SQLite's name.
        if self._disk.is_failing(Operation.WRITE):
            assert self._disk.fault is not None
            if self._disk.fault.kind is Kind.SHORT:
                super().xWrite(data[: len(data) // 2], offset)
            if self._disk.fault.kind is not Kind.ERROR:
                raise apsw.FullError("no space is left")
            raise _error(Operation.WRITE)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # SQLite's name.
        if self._disk.is_failing(Operation.SYNC):
            raise _error(Operation.SYNC)
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:  # SQLite's name.
        if self._disk.is_failing(Operation.TRUNCATE):
            raise _error(Operation.TRUNCATE)
        super().xTruncate(size)

    def xRead(self, amount: int, offset: int) -> bytes:  # SQLite's name.
        if self._disk.is_failing(Operation.READ):
            raise _error(Operation.READ)
        return super().xRead(amount, offset)


def _error(operation: Operation) -> Exception:
    return apsw.exception_for(_ERROR_CODES[operation])


def measure(size: Size, seed: int) -> Figure:
    """Play the life with every fault, or every so many-th, of every kind."""
    started = time.perf_counter()
    cases, failures = 0, []
    with scratch_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("livefile.sqlite.connections.WAL_PAGES_BEFORE_CHECKPOINT", 30)
        app = load_app(folder)
        for fault in faults(folder, app, seed, _STRIDE[size]):
            cases += 1
            if error := play(folder, app, seed, fault):
                failures.append(f"seed {seed}, {fault}: {error}")
    return Figure(
        id="R6",
        question="the Nth call to the disk fails: no wrong answer, nothing is half-written",
        cases=cases,
        cases_min=_CASES_MIN[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join(failures[:3]),
    )


def faults(folder: Path, app: App, seed: int, stride: int) -> Iterator[Fault]:
    """Yield the faults that a life can meet: each call of it, for each way to fail."""
    with FailingDisk(None) as disk:
        error = _Life(folder / "whole", app, seed, disk).play()
    assert error is None, error
    for operation in Operation:
        kinds = tuple(Kind) if operation is Operation.WRITE else (Kind.ERROR,)
        for kind in kinds:
            for is_persistent in (False, True):
                first = 1 + seed % stride
                for number in range(first, disk.calls[operation] + 1, stride):
                    yield Fault(operation, kind, is_persistent, number)


def play(folder: Path, app: App, seed: int, fault: Fault) -> str | None:
    """Play the life with a fault; return what is wrong afterwards, None if nothing is."""
    with FailingDisk(fault) as disk:
        error = _Life(folder / "life", app, seed, disk).play()
        # One that comes early may save the calls that later ones would have needed.
        return error or (None if disk.has_failed else "the fault was never met")


class _Life:
    """A bank that is opened, used and closed twice, on a disk with a fault."""

    def __init__(self, folder: Path, app: App, seed: int, disk: FailingDisk) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self._path = folder / "live.db"
        self._copy = folder / "copy.db"
        self._app = app
        self._seed = seed
        self._disk = disk
        self._transfers = Transfers(Random(seed))
        self._wrong: list[str] = []

    def play(self) -> str | None:
        """Return what is wrong, None if nothing is."""
        try:
            for opening in range(2):
                if not self._open_and_use(opening):
                    break
            self._disk.is_armed = False
            self._check(self._path)
            self._go_on()
        except Exception as error:  # Whatever it is, it is what this torture looks for.
            return f"{type(error).__name__}: {error}"
        return "; ".join(self._wrong) or None

    def _open_and_use(self, opening: int) -> bool:
        """Return whether the bank could be used to the end."""
        try:
            livefile = open_bank(self._path, self._app, self._seed + opening)
        except LivefileError:
            self._copy_and_check()
            return False
        try:
            is_whole = self._use(livefile, is_first=not opening)
            self._copy_and_check()
        finally:
            livefile.close()
        return is_whole

    def _use(self, livefile: Livefile, *, is_first: bool) -> bool:
        try:
            if is_first:
                self._transfers.open_accounts(livefile)
            for _ in range(_GROUPS_PER_OPENING):
                self._transfers.run_group(livefile, 2)
                if not self._ask(livefile):
                    return False
        except StorageFailedError:
            acknowledged = len(self._transfers.acknowledged)
            with suppress(LivefileError):
                self._transfers.run_group(livefile, 1)
            if len(self._transfers.acknowledged) > acknowledged:
                self._wrong.append("something was committed after a failure")
            return False
        except LivefileError:  # The accounts could not be opened: no bank.
            return False
        self._wrong += self._transfers.failures
        return True

    def _ask(self, livefile: Livefile) -> bool:
        """Ask for the total; return whether the file can be read. An answer must be right."""
        answers: list[Any] = []  # Any: whatever the engine answers.
        livefile.submit(Call(path="bank:total", args={}), FunctionKind.QUERY, answers.append)
        try:
            livefile.step()
        except StorageFailedError:
            return False
        (answer,) = answers
        if isinstance(answer, Failure):
            self._wrong.append(f"a query failed as if it were its fault: {answer.message}")
        elif not isinstance(answer, LivefileError):
            expected = f"{ACCOUNTS_COUNT * BALANCE:.1f}".encode()
            if answer.json != expected:
                self._wrong.append(f"the total is {answer.json!r}")
        return True

    def _copy_and_check(self) -> None:
        """Check what a crash at this moment would leave: the files as they are."""
        for suffix in ("", "-wal", "-journal"):
            source = self._path.with_name(self._path.name + suffix)
            if source.exists():
                shutil.copy(source, self._copy.with_name(self._copy.name + suffix))
        self._disk.is_armed = False
        self._check(self._copy)
        self._disk.is_armed = True
        for left_over in self._copy.parent.glob("copy.db*"):
            left_over.unlink()

    def _check(self, path: Path) -> None:
        if not path.exists():
            assert not self._transfers.acknowledged
            return
        connection = apsw.Connection(str(path))
        try:
            check_bank(
                connection,
                self._transfers.acknowledged,
                self._transfers.refused,
                is_prefix=False,
            )
        finally:
            connection.close()

    def _go_on(self) -> None:
        """Open the file again: it must go on, whatever was before."""
        with open_bank(self._path, self._app, self._seed + 2) as livefile:
            if not livefile.query("bank:total"):
                self._transfers.open_accounts(livefile)
            acknowledged = len(self._transfers.acknowledged)
            self._transfers.run_group(livefile, 2)
            assert len(self._transfers.acknowledged) == acknowledged + 2, "no way to go on"
        self._check(self._path)
