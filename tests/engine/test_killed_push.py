"""A process that dies anywhere in a push leaves a file with the old code or the new one, wholly."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from livefile import Livefile
from livefile.javascript.pushed_code import PushedCode
from livefile.javascript.stored_code import read_code
from livefile.transaction.transaction import Transaction
from tests import pushed
from tests.integrity import check_integrity
from tests.ticking_clock import TickingClock
from tests.tidy_source import ROOT

# Opens the file, pushes the given version, and dies at the given look at the clock, of which every
# batch of documents has one. With a number that is never reached, it tells how many there were.
PUSHER = """
import os, signal, sys
from livefile import Livefile
from tests.engine.test_killed_push import version
from tests.pushed import push
from tests.ticking_clock import TickingClock

class LethalClock(TickingClock):
    looks = 0
    is_armed = False
    def now_ns(self):
        if self.is_armed:
            self.looks += 1
            if self.looks == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().now_ns()

clock = LethalClock()
livefile = Livefile.open(sys.argv[1], clock=clock, has_threads=False)
clock.is_armed = True
push(livefile, version(2))
clock.is_armed = False
livefile.close()
print(clock.looks)
"""
KILLS_COUNT = 4
DOCUMENTS_COUNT = 400


def version(number: int) -> PushedCode:
    """Return code that differs in all that a push brings: modules, functions, indexes, crons."""
    path = f"only{number}.js"
    schedule = {"type": "interval", "seconds": 3600.0}
    return pushed.code(
        pushed.definition(
            {path: [pushed.spec("run")], "both.js": [pushed.spec("run")]},
            modules=[pushed.module(path), pushed.module("both.js", f"// {number}")],
            crons={
                f"job{number}": {"name": f"only{number}:run", "args": [{}], "schedule": schedule}
            },
            tables=[
                {
                    **pushed.table("items", title="string"),
                    "indexes": [{"indexDescriptor": f"by_{number}", "fields": ["title"]}],
                    "searchIndexes": [],
                    "vectorIndexes": [],
                }
            ],
        )
    )


def fill(transaction: Transaction) -> None:
    for number in range(DOCUMENTS_COUNT):
        transaction.insert("items", {"title": f"item {number}"})


def open_file(path: Path) -> Livefile:
    return Livefile.open(path, clock=TickingClock(), has_threads=False)


def push_in_process(path: Path, look: int) -> subprocess.CompletedProcess[str]:
    """Push the second version in a process that dies at the given look at the clock."""
    sources = os.pathsep.join(str(ROOT / folder) for folder in ("engine", "server", "."))
    return subprocess.run(
        [sys.executable, "-c", PUSHER, str(path), str(look)],
        env={**os.environ, "PYTHONPATH": sources},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the first version, and documents."""
    path = tmp_path_factory.mktemp("original") / "items.db"
    with open_file(path) as livefile:
        pushed.push(livefile, version(1))
        livefile._system.run("fill", fill)
    return path


@pytest.fixture(scope="module")
def looks_count(original: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How often a whole push looks at the clock."""
    path = tmp_path_factory.mktemp("whole") / "items.db"
    shutil.copy(original, path)
    finished = push_in_process(path, 0)
    assert finished.returncode == 0, finished.stderr
    return int(finished.stdout)


@pytest.mark.parametrize("kill", range(KILLS_COUNT))
def test_a_killed_push_leaves_one_of_the_two_versions(
    original: Path, tmp_path: Path, looks_count: int, kill: int
) -> None:
    path = tmp_path / "items.db"
    shutil.copy(original, path)
    killed = push_in_process(path, 1 + kill * (looks_count - 1) // (KILLS_COUNT - 1))
    assert killed.returncode == -9, killed.stderr

    with open_file(path) as livefile:
        number = next(it for it in (1, 2) if read_code(livefile._database) == version(it))
        require_version(livefile, number)
        pushed.push(livefile, version(2))
        require_version(livefile, 2)
        check_integrity(livefile._database)
    assert number == 2 or kill < KILLS_COUNT - 1


def require_version(livefile: Livefile, number: int) -> None:
    pushed_functions = {path for path in livefile.app.functions if not path.startswith("_system")}
    assert pushed_functions == {f"only{number}:run", "both:run"}
    assert list(livefile.app.crons) == [f"job{number}"]
    indexes = livefile._database.catalog.tables["items"].indexes
    assert {name for name in indexes if name[-1] in "12"} >= {f"by_{number}"}
