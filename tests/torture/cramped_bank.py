"""A bank in a process of its own, on a disk that becomes full and has space again.

``python -m tests.torture.cramped_bank FOLDER SPACE SEED``: the folder is a small file system of
its own, or SPACE is the size in bytes up to which a file may grow. What went wrong is printed, a
line each; nothing if nothing did.

Not here: making the small file system (``disk_full.py``).
"""

import os
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import apsw

from livefile import App, DiskFullError, FileError, Livefile
from tests.torture.ledger import ACCOUNTS_COUNT, BALANCE, Transfers, check_bank, load_app
from tests.torture.scratch import scratch_folder

_TRANSFERS_MAX = 4_000
_REFUSED_MIN = 20
_TOTAL = ACCOUNTS_COUNT * BALANCE


class _Ballast:
    """A file that takes most of the space of a small file system."""

    def __init__(self, folder: Path, random: Random) -> None:
        self._path = folder / "ballast"
        self._random = random

    def fill(self) -> None:
        """Leave between 200 and 800 KiB; the rest is what ``clear`` can give back."""
        free = os.statvfs(self._path.parent)
        size = free.f_bavail * free.f_frsize - self._random.randint(200, 800) * 1024
        assert size > 0, "the bank has the disk for itself: there is no space to give back"
        self._path.write_bytes(bytes(size))

    def fill_up(self) -> None:
        """Leave nothing."""
        with suppress(OSError), self._path.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def clear(self) -> None:
        """Give the space back."""
        self._path.unlink()


class _SizeLimit:
    """A limit on the size of every file of this process."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def fill(self) -> None:
        """Let no file grow over the limit."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size_bytes, self._hard))

    def fill_up(self) -> None:
        """Let no file be written at all."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, self._hard))

    def clear(self) -> None:
        """Let files grow."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._hard, self._hard))


class _Wrong(list[str]):
    """What went wrong."""

    def expect(self, is_so: bool, text: str) -> None:
        """Note the text unless it is so."""
        if not is_so:
            self.append(text)


def run_bank(folder: Path, app: App, space: _Ballast | _SizeLimit, random: Random) -> list[str]:
    """Fill the disk with transfers, ask for things meanwhile, make room, and go on."""
    path = folder / "live.db"
    transfers = Transfers(random)
    wrong = _Wrong()
    with Livefile.open(path, app) as livefile:
        transfers.open_accounts(livefile)
        for _ in range(20):
            transfers.run_one(livefile)
        newest = livefile.watch("bank:newest")
        space.fill()
        wrong.expect(_is_filled(livefile, transfers), "the disk never became full")
        last = max(transfers.acknowledged)
        wrong.expect(livefile.query("bank:total") == _TOTAL, "a query is wrong on a full disk")
        wrong.expect(livefile.query("bank:newest") == last, "a commit is missing on a full disk")
        wrong.expect(next(livefile.watch("bank:newest")) == last, "no live query on a full disk")
        wrong.expect(_reaches(newest.__next__, last), "a live query stood still")
        space.clear()
        wrong.expect(transfers.run_one(livefile), "writes did not resume when there was space")
        wrong.expect(_reaches(newest.__next__, transfers.next_number - 1), "a live query was lost")
        for _ in range(50):
            transfers.run_one(livefile)
        space.fill()
        wrong.expect(_is_filled(livefile, transfers), "the disk was not full a second time")
    # Closed on a full disk, opened on a full disk: it opens, or says why not.
    if random.random() < 0.5:
        space.fill_up()
    try:
        with Livefile.open(path, app) as livefile:
            wrong.expect(livefile.query("bank:total") == _TOTAL, "wrong after opening, still full")
    except (DiskFullError, FileError) as error:
        print(f"a full disk was not opened: {error}", file=sys.stderr)
    space.clear()
    with Livefile.open(path, app) as livefile:
        wrong.expect(livefile.query("bank:total") == _TOTAL, "wrong after opening again")
        wrong.expect(transfers.run_one(livefile), "no writes after opening again")
    wrong += [*transfers.failures, *(f"transfer {it}: unknown" for it in transfers.unknown)]
    connection = apsw.Connection(str(path))
    check_bank(connection, transfers.acknowledged, transfers.refused, is_prefix=False)
    connection.close()
    return wrong


def _is_filled(livefile: Livefile, transfers: Transfers) -> bool:
    """Transfer until nothing but refusals comes; return whether that was so."""
    refused_in_turn = 0
    for _ in range(_TRANSFERS_MAX):
        refused_in_turn = 0 if transfers.run_one(livefile) else refused_in_turn + 1
        if refused_in_turn >= _REFUSED_MIN:
            return True
    return False


def _reaches(next_value: Callable[[], float], wanted: float) -> bool:
    """Take values of a live query until the wanted one comes. It blocks if it never does."""
    while (value := next_value()) < wanted:
        pass
    return value == wanted


def main() -> None:
    """Run the bank and print what went wrong."""
    folder, size, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    random = Random(seed)
    space = _SizeLimit(size) if size else _Ballast(folder, random)
    with scratch_folder() as own:
        for text in run_bank(folder, load_app(own), space, random):
            print(text)


if __name__ == "__main__":
    main()
