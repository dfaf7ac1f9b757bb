"""Is every backup that has its name the state after exactly one commit, whatever was going on?

Backups of a bank's file are begun at random while transfers are made as fast as it goes, two at
once every other time, and half of the banks are killed. A backup that has its name must open, pass
the check, hold every transfer that was acknowledged before it began, and have a commit log that is
the beginning of the bank's own, of which its documents are the outcome. What is left of one that
was cut off must not have the name.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import apsw
import pytest

from livefile import Livefile, LivefileError
from livefile.sqlite.backup import PARTIAL_SUFFIX
from tests.acceptance.server_process import ROOT
from tests.torture.backup_bank import NAMED_AT_ONCE, PLAIN_COPY, BackupOrder
from tests.torture.figure import Figure, Size
from tests.torture.ledger import Transfers, check_bank, load_app
from tests.torture.scratch import scratch_folder

_BACKUPS = {Size.T1: 20, Size.T2: 300}
# Transfers in the file before the first backup: with them it has a few megabytes.
_TRANSFERS_BEFORE = {Size.T1: 300, Size.T2: 3_000}
_DELAY_MS_MAX = 60
_KILL_MS_MAX = 160
_KILL_CALL_MAX = 12  # Some while pages are copied, the later ones while they are checked.

planted_bug = ""
"""The name of a bug that every bank is to have."""


@dataclass
class _Heard:
    """What a bank said: acknowledged transfers, those before each backup, and finished backups."""

    acknowledged: list[int] = field(default_factory=list)
    before: dict[int, list[int]] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)
    is_killed: bool = False


def measure(size: Size, seed: int) -> Figure:
    """Make backups and judge them."""
    started = time.perf_counter()
    random = Random(seed)
    judged = kills = partial = 0
    failures: list[str] = []
    with scratch_folder() as folder, _Nursery() as nursery:
        base, next_number = _make_base(folder, _TRANSFERS_BEFORE[size], random)
        number = 0
        while judged < _BACKUPS[size] and not failures:
            own = folder / f"bank{number}"
            own.mkdir()
            shutil.copyfile(base, own / "live.db")
            order = _order(own / "live.db", next_number, random, is_killed=number % 2 == 1)
            heard = nursery.run(order)
            kills += heard.is_killed
            partial += sum(path.name.endswith(PARTIAL_SUFFIX) for path in own.iterdir())
            try:
                judged += _judge(order, heard)
            except (AssertionError, LivefileError, apsw.Error) as error:
                failures.append(f"seed {seed}, {order.line()}: {error}")
            shutil.rmtree(own)
            number += 1
    return Figure(
        id="R8",
        question="backups under load and kill -9: each is the state after exactly one commit",
        cases=judged + len(failures),
        cases_min=1 if failures else _BACKUPS[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join([*failures[:3], f"{kills} banks killed, {partial} backups cut off"]),
    )


def copy_plainly(patch: pytest.MonkeyPatch) -> None:
    """X13: a backup is a plain copy of the file."""
    patch.setattr(sys.modules[__name__], "planted_bug", PLAIN_COPY)


def name_at_once(patch: pytest.MonkeyPatch) -> None:
    """X14: a backup has its final name from the start."""
    patch.setattr(sys.modules[__name__], "planted_bug", NAMED_AT_ONCE)


def find(seed: int) -> bool:
    """Tell whether a run of T1's size finds a planted bug."""
    return measure(Size.T1, seed).failures > 0


def _make_base(folder: Path, transfers_count: int, random: Random) -> tuple[Path, int]:
    """Make a file with a history; return it and the number of the next transfer."""
    path = folder / "base.db"
    transfers = Transfers(Random(random.getrandbits(32)))
    with Livefile.open(path, load_app(folder), has_threads=False) as livefile:
        transfers.open_accounts(livefile)
        while transfers.next_number < transfers_count:
            transfers.run_group(livefile, 50)
    return path, transfers.next_number


def _order(path: Path, next_number: int, random: Random, *, is_killed: bool) -> BackupOrder:
    """Return a bank to be run; of those to be killed, every other one in the midst of a backup."""
    is_aimed = is_killed and random.random() < 0.5
    first = random.randrange(_DELAY_MS_MAX)
    second = random.choice((first, random.randrange(_DELAY_MS_MAX)))
    return BackupOrder(
        path=str(path),
        seed=random.getrandbits(32),
        next_number=next_number,
        delays_ms=(first, second) if random.random() < 0.5 else (first,),
        kill_ms=random.randrange(1, _KILL_MS_MAX) if is_killed and not is_aimed else 0,
        kill_call=random.randint(1, _KILL_CALL_MAX) if is_aimed else 0,
        planted=planted_bug,
    )


def _judge(order: BackupOrder, heard: _Heard) -> int:
    """Raise if a promise was broken; return how many backups have their name."""
    live = Path(order.path)
    count = 0
    for number in range(len(order.delays_ms)):
        target = order.target(number)
        assert target.exists() or number not in heard.done, f"backup {number} is not there"
        if target.exists():
            count += 1
            _judge_backup(target, live, heard.before[number], heard.done.get(number))
    left = {path.name for path in live.parent.iterdir()}
    names = {live.name, f"{live.name}-wal", f"{live.name}-shm", f"{live.name}.lock"}
    strange = [
        name for name in left - names if not name.endswith(".db") and PARTIAL_SUFFIX not in name
    ]
    assert not strange, f"left behind: {strange}"
    assert heard.is_killed or left <= {live.name, "out0.db", "out1.db"}, f"left behind: {left}"
    return count


def _judge_backup(target: Path, live: Path, before: list[int], ts: int | None) -> None:
    copy, original = apsw.Connection(str(target)), apsw.Connection(str(live))
    try:
        check_bank(copy, before, is_prefix=False)
        newest = copy.execute("SELECT max(ts) FROM commits").get
        assert ts in (None, newest), f"{target.name} ends with commit {newest}, want {ts}"
        log = "SELECT ts, log_offset, writes, call FROM commits WHERE ts <= ? ORDER BY ts"
        is_same = (
            copy.execute(log, (newest,)).fetchall() == original.execute(log, (newest,)).fetchall()
        )
        assert is_same, f"{target.name}: its log is not the beginning of the bank's"
    finally:
        copy.close()
        original.close()


class _Nursery:
    """The process that banks are born of."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.backup_bank"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def run(self, order: BackupOrder) -> _Heard:
        """Run a bank to its end and return what it said."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order.line()}\n")
        self._process.stdin.flush()
        heard = _Heard()
        for word, *numbers in self._said():
            match word:
                case "ack":
                    heard.acknowledged.append(int(numbers[0]))
                case "begin":
                    heard.before[int(numbers[0])] = list(heard.acknowledged)
                case "done":
                    heard.done[int(numbers[0])] = int(numbers[1])
                case _:
                    heard.is_killed = numbers == ["9"]
                    return heard
        raise AssertionError(f"the nursery ended with {self._process.wait()}")

    def _said(self) -> Iterator[list[str]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield line.split()

    def __enter__(self) -> "_Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
