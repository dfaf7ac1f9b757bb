"""A process that dies anywhere in a deploy leaves a file that one of the two versions serves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from livefile import App, Livefile
from tests.app_folder import write_app
from tests.engine.test_online_deploy import AFTER, BEFORE, COUNT, names
from tests.integrity import check_integrity
from tests.ticking_clock import TickingClock
from tests.tidy_source import ROOT

# Opens the file with the app as it was, deploys the app as it is now, and dies at the given look
# at the clock: before, in or after a batch. With a number that is never reached, it tells how many
# looks there were.
DEPLOYER = """
import os, signal, sys
from livefile import App, Livefile
from tests.ticking_clock import TickingClock

class LethalClock(TickingClock):
    looks = 0
    is_armed = False
    def now_ns(self):
        if self.is_armed:
            self.looks += 1
            if self.looks == int(sys.argv[4]):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().now_ns()

clock = LethalClock()
path, before, after = sys.argv[1:4]
livefile = Livefile.open(path, before, clock=clock, has_threads=False)
clock.is_armed = True
livefile.deploy(App.load(after))
clock.is_armed = False
livefile.close()
print(clock.looks)
"""
KILLS_COUNT = 12


class Deployment:
    """A file with people, and the two versions of its app."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "people.db"
        self.before = write_app(folder, {"people": BEFORE}, "before")
        self.after = write_app(folder, {"people": AFTER}, "after")
        with self.open(self.before) as livefile:
            for name in names(COUNT):
                livefile.mutation("people:add", name=name)

    def open(self, app: Path | None) -> Livefile:
        """Open the file, with the clock a little further than any process had it."""
        code = None if app is None else App.load(app)
        return Livefile.open(self.path, code, clock=TickingClock(), has_threads=False)

    def deploy(self, look: int) -> subprocess.CompletedProcess[str]:
        """Deploy in a process that dies at the given look at the clock."""
        sources = os.pathsep.join(str(ROOT / folder) for folder in ("engine", "server", "."))
        return subprocess.run(
            [sys.executable, "-c", DEPLOYER, *map(str, (self.path, self.before, self.after, look))],
            env={**os.environ, "PYTHONPATH": sources},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def looks_count(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How often a whole deploy looks at the clock."""
    finished = Deployment(tmp_path_factory.mktemp("whole")).deploy(0)
    assert finished.returncode == 0, finished.stderr
    return int(finished.stdout)


@pytest.mark.parametrize("kill", range(KILLS_COUNT))
def test_a_killed_deploy_harms_neither_version(tmp_path: Path, looks_count: int, kill: int) -> None:
    deployment = Deployment(tmp_path)
    look = 1 + kill * (looks_count - 1) // (KILLS_COUNT - 1)
    killed = deployment.deploy(look)
    assert killed.returncode == -9, killed.stderr

    with deployment.open(None) as livefile:
        check_integrity(livefile._database)
        is_switched = "by_city" in livefile._database.catalog.tables["people"].indexes
    if not is_switched:
        with deployment.open(deployment.before) as livefile:
            assert livefile.query("people:names") == names(COUNT)
            livefile.mutation("people:add", name="more")
            check_integrity(livefile._database)
    with deployment.open(deployment.after) as livefile:
        found = livefile.query("people:names")
        check_integrity(livefile._database)
        table = livefile._database.catalog.tables["people"]
        assert not table.defaults
        assert not table.building
    assert found == names(COUNT) + ([] if is_switched else ["more"])
    assert is_switched or kill < KILLS_COUNT - 1
