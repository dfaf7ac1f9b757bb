"""Imports that were cut off, and those that came in between."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import App, ImportFileError, ImportMode, ImportProgress, Livefile
from livefile.archive.import_record import IMPORT_SETTING, record_of
from tests.integrity import check_integrity
from tests.snapshot_zip import document_id
from tests.tidy_source import ROOT
from tests.upkeep_app import load_upkeep_app


@pytest.fixture
def app(tmp_path: Path) -> App:
    return load_upkeep_app(tmp_path)


@pytest.fixture
def livefile(tmp_path: Path, app: App) -> Iterator[Livefile]:
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        yield livefile
        check_integrity(livefile._database)


def jsonl(tmp_path: Path, *bodies: str) -> Path:
    path = tmp_path / f"in{len(bodies)}.jsonl"
    path.write_text("".join(f'{{"body": "{body}"}}\n' for body in bodies))
    return path


class StopError(Exception):
    """Raised to cut an import off."""


def test_an_import_that_was_cut_off_goes_on_where_it_stopped(
    livefile: Livefile, tmp_path: Path
) -> None:
    bodies = [f"{number:04}" for number in range(900)]
    source = jsonl(tmp_path, *bodies)

    def stop(progress: ImportProgress) -> None:
        if progress.phase.name == "WRITE" and progress.done >= 400:
            raise StopError

    with pytest.raises(StopError):
        livefile.upkeep.import_(source, "messages", on_progress=stop)
    assert 0 < livefile.query("notes:count") < 900
    report = livefile.upkeep.import_(source, "messages")

    assert report.resumed_at >= 400
    assert report.rows == 900
    assert livefile.query("notes:bodies") == bodies


def test_another_import_waits_until_the_first_is_finished_or_forgotten(
    livefile: Livefile, tmp_path: Path
) -> None:
    first, second = jsonl(tmp_path, *map(str, range(300))), jsonl(tmp_path, "other")

    def stop(progress: ImportProgress) -> None:
        if progress.phase.name == "WRITE":
            raise StopError

    with pytest.raises(StopError):
        livefile.upkeep.import_(first, "messages", on_progress=stop)
    with pytest.raises(ImportFileError, match='another import, into table "messages"'):
        livefile.upkeep.import_(second, "messages", mode=ImportMode.APPEND)
    livefile.upkeep.import_(second, "messages", mode=ImportMode.REPLACE, is_anew=True)

    assert livefile.query("notes:bodies") == ["other"]
    assert record_of(livefile.read_setting(IMPORT_SETTING)) is None


def test_an_id_that_is_taken_is_found_before_anything_is_written(
    livefile: Livefile, tmp_path: Path
) -> None:
    taken = livefile.mutation("notes:send", body="there")
    lines = [json.dumps({"body": f"new {number}"}) for number in range(1_000)]
    source = tmp_path / "in.jsonl"
    source.write_text("\n".join([*lines, json.dumps({"_id": taken, "body": "again"})]))

    with pytest.raises(ImportFileError, match=f"line 1001: there is .* the id {taken}"):
        livefile.upkeep.import_(source, "messages", mode=ImportMode.APPEND)

    assert livefile.query("notes:bodies") == ["there"]
    livefile.upkeep.import_(jsonl(tmp_path, "other"), "messages", mode=ImportMode.APPEND)
    livefile.upkeep.import_(source, "messages", mode=ImportMode.REPLACE)
    assert livefile.query("notes:count") == 1_001


def test_an_import_that_fails_at_its_first_batch_is_in_nobodys_way(
    livefile: Livefile, tmp_path: Path
) -> None:
    number = livefile._database.catalog.tables["messages"].number
    twice = json.dumps({"_id": document_id(number, 1), "body": "twice"})
    source = tmp_path / "in.jsonl"
    source.write_text(f"{twice}\n{twice}\n")

    with pytest.raises(ImportFileError, match="line 2: there is a document"):
        livefile.upkeep.import_(source, "messages")

    assert record_of(livefile.read_setting(IMPORT_SETTING)) is None
    livefile.upkeep.import_(jsonl(tmp_path, "other"), "messages")
    assert livefile.query("notes:bodies") == ["other"]


# Imports a file, and dies at a look at the clock.
IMPORTER = """
import os, signal, sys
from livefile import App, ImportMode, Livefile
from tests.ticking_clock import TickingClock

class LethalClock(TickingClock):
    looks = 0
    def now_ns(self):
        self.looks += 1
        if self.looks == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().now_ns()

path, app, source = sys.argv[1:4]
livefile = Livefile.open(path, App.load(app), clock=LethalClock(), has_threads=False)
livefile.upkeep.import_(source, "messages", mode=ImportMode.REPLACE)
livefile.close()
"""


def test_a_killed_import_goes_on_exactly_where_it_stopped(tmp_path: Path, app: App) -> None:
    bodies = [f"{number:04}" for number in range(1_100)]
    source = jsonl(tmp_path, *bodies)
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        livefile.mutation("notes:send_many", count=500, size=1)
    sources = os.pathsep.join(str(ROOT / folder) for folder in ("engine", "server", "."))
    kills = 0
    while True:
        words = [str(tmp_path / "live.db"), str(app.path), str(source), str(11 + 5 * kills)]
        done = subprocess.run(
            [sys.executable, "-c", IMPORTER, *words],
            env={**os.environ, "PYTHONPATH": sources},
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.returncode:
            break
        assert done.returncode == -9, done.stderr
        kills += 1
        assert kills < 30

    assert kills > 2
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        assert livefile.query("notes:bodies") == bodies
        check_integrity(livefile._database)
