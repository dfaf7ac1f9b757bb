"""After a quiet minute the write-ahead log is empty, and a plain copy of the file is complete."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import App, Livefile, ManualClock
from livefile.vocabulary.limits import LOG_QUIET_MS_MIN
from tests.upkeep_app import load_upkeep_app

QUIET_NS = LOG_QUIET_MS_MIN * 1_000_000


class Quiet:
    """A deployment whose time stands still unless a test moves it."""

    def __init__(self, folder: Path, app: App) -> None:
        self.clock = ManualClock(1_700_000_000_000_000_000)
        self.livefile = Livefile.open(folder / "live.db", app, clock=self.clock, has_threads=False)
        self.send()

    def send(self) -> None:
        self.livefile.mutation("notes:send", body="x")
        self.livefile.step()

    def let_pass(self, time_ns: int) -> None:
        self.clock.set_ns(self.clock.now_ns() + time_ns)
        self.livefile.step()

    @property
    def log_size_bytes(self) -> int:
        return self.livefile.path.with_name("live.db-wal").stat().st_size


@pytest.fixture
def app(tmp_path: Path) -> App:
    return load_upkeep_app(tmp_path)


@pytest.fixture
def quiet(tmp_path: Path, app: App) -> Iterator[Quiet]:
    quiet = Quiet(tmp_path, app)
    with quiet.livefile:
        yield quiet


def test_the_log_is_emptied_after_a_quiet_minute_and_not_before(
    quiet: Quiet, app: App, tmp_path: Path
) -> None:
    quiet.let_pass(QUIET_NS - 1)
    assert quiet.log_size_bytes
    quiet.let_pass(1)

    assert quiet.log_size_bytes == 0
    shutil.copyfile(quiet.livefile.path, tmp_path / "copy.db")
    with Livefile.open(tmp_path / "copy.db", app) as copy:
        assert copy.query("notes:count") == 1


def test_a_write_begins_the_minute_anew(quiet: Quiet) -> None:
    quiet.let_pass(QUIET_NS - 1)
    quiet.send()
    quiet.let_pass(QUIET_NS - 1)
    assert quiet.log_size_bytes
    quiet.let_pass(1)

    assert quiet.log_size_bytes == 0


def test_a_reader_of_the_log_is_left_alone_and_it_is_tried_again(quiet: Quiet) -> None:
    with quiet.livefile._database.snapshot() as snapshot:
        quiet.let_pass(QUIET_NS)
        assert quiet.log_size_bytes
        assert snapshot.count(0) == 0
    quiet.let_pass(QUIET_NS)

    assert quiet.log_size_bytes == 0


def test_nothing_is_due_while_the_log_is_empty(quiet: Quiet) -> None:
    assert quiet.livefile._driver.next_due_ns == quiet.clock.now_ns() + QUIET_NS
    quiet.let_pass(QUIET_NS)

    assert quiet.livefile._driver.next_due_ns is None
    assert quiet.livefile._database.log_pages == 0
