"""A bank in a process of its own that is killed: at a random time, or by itself at an aimed moment.

``python -m tests.torture.doomed_bank`` is a nursery: it reads orders, one a line, and forks a bank
for each, so that a kill costs no start of Python. What banks and nursery have to say are lines on
its standard output: ``ack 7`` before anybody may believe that transfer 7 is durable, ``died 9``
with the number of the signal.

Not here: what is found in the file afterwards (``kill_loop.py``).
"""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from random import Random
from typing import Any, NoReturn

import apsw
import pytest

from livefile import App, Livefile
from livefile.sqlite import connections
from tests.torture.ledger import Transfers, load_app
from tests.torture.scratch import scratch_folder

_NAME = "deadly"
_IN_FLIGHT_MAX = 12
_TRANSFERS_MAX = 600


class Moment(StrEnum):
    """What a bank dies at."""

    RANDOM = "random"  # After ``number`` milliseconds, killed from outside.
    BEFORE_ACK = "before ack"
    LOG_WRITE = "log write"
    LOG_SYNC = "log sync"
    FILE_WRITE = "file write"  # In the midst of a checkpoint, or of making the tables.
    FILE_SYNC = "file sync"


@dataclass(frozen=True, slots=True)
class Order:
    """One bank to be run until it dies, at the ``number``-th time of its moment.

    ``part`` says how much of the deadly call is done: 0 nothing, 1 half a write, 2 all of it.
    """

    path: str
    seed: int
    next_number: int
    pages_before_checkpoint: int
    moment: Moment
    number: int
    part: int

    def line(self) -> str:
        """Return the order as a line for the nursery."""
        return json.dumps(asdict(self))


class _DeadlyDisk(apsw.VFS):
    """SQLite's file system; at one call the process dies."""

    def __init__(self, order: Order) -> None:
        super().__init__(_NAME, "unix", makedefault=True)
        self._order = order
        self._counts: dict[Moment, int] = {}

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # SQLite's name.
        # Any: a text or a URIFilename, handed through.
        return _DeadlyFile(self, name, flags)

    def part(self, moment: Moment) -> int | None:
        """Count a call; return how much of it is still to be done if it is the deadly one."""
        self._counts[moment] = self._counts.get(moment, 0) + 1
        is_deadly = (moment, self._counts[moment]) == (self._order.moment, self._order.number)
        return self._order.part if is_deadly else None


class _DeadlyFile(apsw.VFSFile):
    def __init__(self, disk: _DeadlyDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._is_log = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # SQLite's name.
        part = self._disk.part(Moment.LOG_WRITE if self._is_log else Moment.FILE_WRITE)
        if part is not None:
            data = data[: len(data) * part // 2]
        if data:
            super().xWrite(data, offset)
        if part is not None:
            _die()

    def xSync(self, flags: int) -> None:  # SQLite's name.
        part = self._disk.part(Moment.LOG_SYNC if self._is_log else Moment.FILE_SYNC)
        if part != 0:
            super().xSync(flags)
        if part is not None:
            _die()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody outlives that")


def _say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())  # Whole, also between processes.


def _run_bank(order: Order, app: App) -> None:
    """Transfer money as fast as it goes, until death or the last transfer."""
    patch = pytest.MonkeyPatch()  # Never undone: the process ends.
    patch.setattr(connections, "WAL_PAGES_BEFORE_CHECKPOINT", order.pages_before_checkpoint)
    disk = _DeadlyDisk(order)  # Lives as long as its files.
    free = threading.Semaphore(_IN_FLIGHT_MAX)
    acks = 0

    class Announced(list[int]):
        def append(self, number: int) -> None:
            nonlocal acks
            acks += 1
            if (order.moment, order.number) == (Moment.BEFORE_ACK, acks):
                _die()
            _say(f"ack {number}")
            free.release()

    transfers = Transfers(
        Random(order.seed), next_number=order.next_number, acknowledged=Announced()
    )
    with Livefile.open(order.path, app) as livefile:
        if not livefile.query("bank:total"):
            transfers.open_accounts(livefile)
        while transfers.next_number < order.next_number + _TRANSFERS_MAX:
            free.acquire()
            transfers.submit(livefile)
    del disk


def main() -> None:
    """Fork a bank for each order, and tell of its death."""
    with scratch_folder() as folder:
        app = load_app(folder)
        for line in sys.stdin:
            order = Order(**{**json.loads(line), "moment": Moment(json.loads(line)["moment"])})
            child = os.fork()
            if child == 0:
                _run_bank(order, app)
                os._exit(0)
            if order.moment is Moment.RANDOM:
                time.sleep(order.number / 1000)
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            _say(f"died {os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}")


if __name__ == "__main__":
    main()
