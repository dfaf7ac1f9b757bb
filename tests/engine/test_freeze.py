"""A frozen file: writes wait, and a plain copy of the one file is a copy of everything."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import App, BackupError, ClosedError, Livefile, LivefileError, SnapshotExpiredError
from tests.upkeep_app import load_upkeep_app

WAIT_S = 30.0


@pytest.fixture
def app(tmp_path: Path) -> App:
    return load_upkeep_app(tmp_path)


@pytest.fixture
def livefile(tmp_path: Path, app: App) -> Iterator[Livefile]:
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        livefile.mutation("notes:send", body="first")
        yield livefile


class Sender(threading.Thread):
    """Sends one message, and keeps what it heard."""

    def __init__(self, livefile: Livefile) -> None:
        super().__init__()
        self._livefile = livefile
        self.heard: object = None

    def run(self) -> None:
        try:
            self.heard = self._livefile.mutation("notes:send", body="sent")
        except LivefileError as error:
            self.heard = error


def bodies_in_copy(livefile: Livefile, app: App, name: str) -> list[str]:
    copy = livefile.path.with_name(name)
    shutil.copyfile(livefile.path, copy)
    with Livefile.open(copy, app) as opened:
        found: list[str] = opened.query("notes:bodies")
        return found


def test_a_plain_copy_of_a_frozen_file_has_everything(livefile: Livefile, app: App) -> None:
    for number in range(5):
        livefile.mutation("notes:send", body=f"more {number}")
    with livefile.upkeep.frozen():
        assert livefile.path.with_name("live.db-wal").stat().st_size == 0
        copied = bodies_in_copy(livefile, app, "copy.db")

    assert copied == livefile.query("notes:bodies")
    assert len(copied) == 6


def test_mutations_wait_and_queries_do_not(livefile: Livefile, app: App) -> None:
    sender = Sender(livefile)
    with livefile.upkeep.frozen():
        sender.start()
        for _ in range(20):
            assert livefile.query("notes:bodies") == ["first"]
        assert bodies_in_copy(livefile, app, "copy.db") == ["first"]
        assert sender.heard is None
    sender.join(WAIT_S)

    assert isinstance(sender.heard, str)
    assert livefile.query("notes:bodies") == ["first", "sent"]


def test_a_file_is_frozen_once_at_a_time(livefile: Livefile) -> None:
    with (
        livefile.upkeep.frozen(),
        pytest.raises(BackupError, match="frozen already"),
        livefile.upkeep.frozen(),
    ):
        pass
    with livefile.upkeep.frozen():
        pass


def test_who_takes_too_long_is_told_that_writes_went_on(livefile: Livefile) -> None:
    sender = Sender(livefile)

    def freeze_for_too_long() -> None:
        with livefile.upkeep.frozen(duration_ms_max=1):
            sender.start()
            sender.join(WAIT_S)

    with pytest.raises(BackupError, match="took longer than 1 ms"):
        freeze_for_too_long()

    assert isinstance(sender.heard, str)


def test_a_block_that_raises_thaws_the_file(livefile: Livefile) -> None:
    with pytest.raises(KeyboardInterrupt), livefile.upkeep.frozen():
        raise KeyboardInterrupt

    assert isinstance(livefile.mutation("notes:send", body="after"), str)


def test_closing_thaws_the_file_and_runs_what_waits(livefile: Livefile, app: App) -> None:
    sender = Sender(livefile)
    closer = threading.Thread(target=livefile.close)

    def close_while_frozen() -> None:
        with livefile.upkeep.frozen():
            sender.start()
            closer.start()
            closer.join(WAIT_S)

    with pytest.raises(BackupError, match="throw the copy away"):
        close_while_frozen()
    assert not closer.is_alive()
    sender.join(WAIT_S)

    # It was accepted before the close, or refused by it; never left without an answer.
    is_sent = isinstance(sender.heard, str)
    assert is_sent or isinstance(sender.heard, ClosedError)
    with Livefile.open(livefile.path, app) as again:
        assert again.query("notes:bodies") == ["first", *["sent"] * is_sent]


def test_a_slow_reader_of_the_log_is_cut_off(livefile: Livefile) -> None:
    livefile.mutation("notes:send", body="in the log")

    def freeze_and_go_on_reading() -> None:
        with livefile._database.snapshot(), livefile.upkeep.frozen():
            assert livefile._database.log_pages == 0

    with pytest.raises(SnapshotExpiredError):
        freeze_and_go_on_reading()


def test_a_deployment_without_threads_is_frozen_in_steps(tmp_path: Path, app: App) -> None:
    with Livefile.open(tmp_path / "live.db", app, has_threads=False) as livefile:
        livefile.mutation("notes:send", body="first")
        with livefile.upkeep.frozen():
            copied = bodies_in_copy(livefile, app, "copy.db")

    assert copied == ["first"]
