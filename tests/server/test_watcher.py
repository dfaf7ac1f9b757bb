import os
from pathlib import Path
from threading import Event, Thread

import pytest

from livefile_server.dev.watcher import SourceWatcher, fingerprint, source_folders

CHANGES_SECONDS_MAX = 30.0


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "messages.py").write_text("one = 1\n")
    return folder


def first_changes(watcher: SourceWatcher, count: int) -> list[tuple[Path, ...]]:
    """Return the first changes that a watcher tells, watching on a thread as ``dev`` does."""
    stop = Event()
    found: list[tuple[Path, ...]] = []

    def collect() -> None:
        for changed in watcher.changes(stop):
            found.append(changed)
            if len(found) == count:
                return

    thread = Thread(target=collect)
    thread.start()
    thread.join(CHANGES_SECONDS_MAX)
    stop.set()
    thread.join()
    return found


def test_a_change_made_before_the_watching_began_is_told(package: Path) -> None:
    watcher = SourceWatcher([package])
    (package / "messages.py").write_text("one = 1.0\n")

    assert first_changes(watcher, 1) == [(package / "messages.py",)]


def test_new_and_removed_files_are_told_together_and_sorted(package: Path) -> None:
    watcher = SourceWatcher([package])
    (package / "deeper").mkdir()
    (package / "deeper" / "users.py").write_text("")
    (package / "messages.py").unlink()

    assert first_changes(watcher, 1) == [(package / "deeper" / "users.py", package / "messages.py")]


def test_other_files_and_folders_of_tools_are_no_change(package: Path) -> None:
    watcher = SourceWatcher([package])
    (package / "notes.txt").write_text("")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "generated.py").write_text("")
    (package / "node_modules").mkdir()
    (package / "node_modules" / "setup.py").write_text("")
    (package / "schema.py").write_text("")

    assert first_changes(watcher, 1) == [(package / "schema.py",)]


def test_each_change_is_told_once(package: Path) -> None:
    watcher = SourceWatcher([package])
    (package / "messages.py").write_text("two = 22\n")
    assert first_changes(watcher, 1) == [(package / "messages.py",)]
    (package / "schema.py").write_text("")

    assert first_changes(watcher, 1) == [(package / "schema.py",)]


def test_watching_ends_when_it_is_told_to(package: Path) -> None:
    stop = Event()
    stop.set()

    assert list(SourceWatcher([package]).changes(stop)) == []


def test_a_save_with_equal_size_is_seen_by_its_time(package: Path) -> None:
    before = fingerprint([package])
    status = (package / "messages.py").stat()
    os.utime(package / "messages.py", ns=(status.st_atime_ns, status.st_mtime_ns + 1))

    assert fingerprint([package]) != before


def test_the_code_is_in_the_folder_itself_or_in_those_below(package: Path) -> None:
    (package.parent / "web" / "src").mkdir(parents=True)

    assert source_folders(str(package)) == [package]
    assert source_folders(str(package.parent)) == [package]
    assert source_folders(str(package.parent / "web")) == []
    assert source_folders("no.such.package") == []
