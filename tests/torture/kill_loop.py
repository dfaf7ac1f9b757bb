"""Does every acknowledged commit outlive ``kill -9``, at a random time or at the worst moment?

A bank is killed again and again on the same file: at random, in the midst of a write or a sync of
the log or of a checkpoint, and between a commit and its answer. Each time the file is judged
(``ledger.py``) as the kill left it, and the next bank must go on with it.
"""

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import apsw

from tests.acceptance.server_process import ROOT
from tests.torture.doomed_bank import Moment, Order
from tests.torture.figure import Figure, Size
from tests.torture.ledger import check_bank
from tests.torture.scratch import scratch_folder

_KILLS = {Size.T1: 50, Size.T2: 1_000}
_KILLS_PER_FILE = 8

# The n-th time of a moment, n up to this: what a bank meets within its first hundred transfers.
_NUMBER_MAX = {
    Moment.RANDOM: 120,
    Moment.BEFORE_ACK: 60,
    Moment.LOG_WRITE: 500,
    Moment.LOG_SYNC: 40,
    Moment.FILE_WRITE: 60,
    Moment.FILE_SYNC: 6,
}


def measure(size: Size, seed: int) -> Figure:
    """Kill banks and judge their files."""
    started = time.perf_counter()
    random = Random(seed)
    kills: Counter[Moment] = Counter()
    failures: list[str] = []
    unanswered = 0
    with scratch_folder() as folder, _Nursery() as nursery:
        for number in range(_KILLS[size]):
            if kills.total() >= _KILLS[size]:
                break  # Some banks outlive their order and do not count.
            file = _File(folder / f"bank{number}")
            for _ in range(_KILLS_PER_FILE):
                order = _order(file, random)
                try:
                    if nursery.run(order, file):
                        kills[order.moment] += 1
                    unanswered += file.judge()
                except (AssertionError, apsw.Error) as error:
                    failures.append(f"seed {seed}, {order.line()}: {error}")
                    break
    moments = ", ".join(f"{kills[moment]} {moment.value}" for moment in Moment)
    return Figure(
        id="R4",
        question="kill -9 at any moment: every acknowledged commit is there",
        cases=kills.total(),
        cases_min=_KILLS[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join([*failures[:3], f"{moments}; {unanswered} with a commit not yet answered"]),
    )


class _File:
    """A bank's file over many kills."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir()
        self.path = self._folder / "live.db"
        self.acknowledged: list[int] = []
        self.next_number = 0
        self._unanswered = 0

    def judge(self) -> bool:
        """Raise if a promise was broken; return whether more is durable than was answered.

        A copy is judged, so that the next bank finds what the kill left.
        """
        copy = self._folder / "copy.db"
        for suffix in ("", "-wal", "-journal"):
            copy.with_name(f"copy.db{suffix}").unlink(missing_ok=True)
            if self.path.with_name(f"live.db{suffix}").exists():
                shutil.copy(
                    self.path.with_name(f"live.db{suffix}"), copy.with_name(f"copy.db{suffix}")
                )
        if not copy.exists():
            assert not self.acknowledged
            return False
        connection = apsw.Connection(str(copy))
        try:
            numbers = check_bank(connection, self.acknowledged, is_prefix=False)
        finally:
            connection.close()
        self.next_number = max(numbers, default=-1) + 1
        before, self._unanswered = self._unanswered, len(numbers) - len(self.acknowledged)
        return self._unanswered > before


class _Nursery:
    """The process that banks are born of."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.doomed_bank"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def run(self, order: Order, file: _File) -> bool:
        """Run a bank to its end; return whether it was killed."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order.line()}\n")
        self._process.stdin.flush()
        for word, number in self._said():
            if word == "died":
                return number == 9
            file.acknowledged.append(number)
        raise AssertionError(f"the nursery ended with {self._process.wait()}")

    def _said(self) -> Iterator[tuple[str, int]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, number = line.split()
            yield word, int(number)

    def __enter__(self) -> "_Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _order(file: _File, random: Random) -> Order:
    moment = random.choice(list(Moment))
    return Order(
        path=str(file.path),
        seed=random.getrandbits(32),
        next_number=file.next_number,
        pages_before_checkpoint=random.choice((5, 50, 50, 4_000)),
        moment=moment,
        number=random.randint(1, _NUMBER_MAX[moment]),
        part=random.randrange(3),
    )
