"""A bank in a process of its own that makes backups of its file under load, and may be killed.

``python -m tests.torture.backup_bank`` is a nursery: it reads orders, one a line, and forks a bank
for each. On its standard output are lines: ``ack 7`` before anybody may believe that transfer 7 is
durable, ``begin 0`` before backup 0 begins, ``done 0 TS`` once it is there, ``died 9`` with the
number of the signal.

Not here: what is found in the files afterwards (``backup_loop.py``).
"""

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import pytest

from livefile import App, Livefile
from livefile.sqlite import backup, connections
from livefile.sqlite.whole_reads import WholeRead
from tests.torture.ledger import Transfers, load_app
from tests.torture.scratch import scratch_folder

_IN_FLIGHT_MAX = 12

PLAIN_COPY = "plain copy"
NAMED_AT_ONCE = "named at once"


@dataclass(frozen=True, slots=True)
class BackupOrder:
    """One bank to be run: backups begin after ``delays_ms``, all of them at once if equal.

    The bank is killed after ``kill_ms``, or when a backup tells for the ``kill_call``-th time how
    far it is; 0 is never. ``planted`` names a bug.
    """

    path: str
    seed: int
    next_number: int
    delays_ms: tuple[int, ...]
    kill_ms: int
    kill_call: int
    planted: str

    def line(self) -> str:
        """Return the order as a line for the nursery."""
        return json.dumps(asdict(self))

    def target(self, number: int) -> Path:
        """Return where a backup goes."""
        return Path(self.path).with_name(f"out{number}.db")


class _Announced(list[int]):
    def __init__(self, free: threading.Semaphore) -> None:
        super().__init__()
        self._free = free

    def append(self, number: int) -> None:
        _say(f"ack {number}")
        self._free.release()


def _say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())  # Whole, also between processes.


def _run_bank(order: BackupOrder, app: App) -> None:
    """Transfer money as fast as it goes, until death or the end of the last backup."""
    patch = pytest.MonkeyPatch()  # Never undone: the process ends.
    patch.setattr(connections, "WAL_PAGES_BEFORE_CHECKPOINT", 50)
    patch.setattr(backup, "BACKUP_STEP_PAGES_MAX", 40)
    patch.setattr(backup, "_CHECK_STEP", 10_000)
    _plant(patch, order.planted)
    free = threading.Semaphore(_IN_FLIGHT_MAX)
    transfers = Transfers(
        Random(order.seed), next_number=order.next_number, acknowledged=_Announced(free)
    )
    with Livefile.open(order.path, app) as livefile:
        threads = [
            threading.Thread(target=_back_up, args=(livefile, order, number))
            for number in range(len(order.delays_ms))
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            free.acquire()
            transfers.submit(livefile)


def _back_up(livefile: Livefile, order: BackupOrder, number: int) -> None:
    time.sleep(order.delays_ms[number] / 1000)
    _say(f"begin {number}")
    calls = 0

    def on_pages(done: int, count: int) -> None:
        nonlocal calls
        calls += 1
        if calls == order.kill_call:
            os.kill(os.getpid(), signal.SIGKILL)

    report = livefile.upkeep.back_up(order.target(number), on_pages)
    _say(f"done {number} {report.ts}")


def _plant(patch: pytest.MonkeyPatch, name: str) -> None:
    right = backup._copy_pages

    def copy_plainly(read: WholeRead, target: Path, on_pages: backup.OnPages) -> None:
        right(read, target, on_pages)
        shutil.copyfile(read.connection.filename, target)

    @contextmanager
    def final_file(target: Path) -> Iterator[Path]:
        yield target

    if name == PLAIN_COPY:
        patch.setattr(backup, "_copy_pages", copy_plainly)
        patch.setattr(backup, "pages_check", lambda path, on_pages: [])
    if name == NAMED_AT_ONCE:
        patch.setattr(backup, "partial_file", final_file)


def main() -> None:
    """Fork a bank for each order, and tell of its death."""
    with scratch_folder() as folder:
        app = load_app(folder)
        for line in sys.stdin:
            order = BackupOrder(
                **{**json.loads(line), "delays_ms": (*json.loads(line)["delays_ms"],)}
            )
            child = os.fork()
            if child == 0:
                _run_bank(order, app)
                os._exit(0)
            if order.kill_ms:
                time.sleep(order.kill_ms / 1000)
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            _say(f"died {os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}")


if __name__ == "__main__":
    main()
