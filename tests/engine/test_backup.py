"""Backups: of exactly one commit, under their final name only when complete; and restoring them."""

import stat
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest

from livefile import (
    App,
    BackupError,
    FileError,
    FileLockedError,
    Livefile,
    back_up_file,
    restore_file,
)
from livefile.sqlite import connections, whole_reads
from tests.integrity import check_integrity
from tests.upkeep_app import load_upkeep_app

ROWS = 1_500
LARGE = {"count": ROWS, "size": 2_000}  # More pages than a backup copies in one step.


@pytest.fixture
def app(tmp_path: Path) -> App:
    return load_upkeep_app(tmp_path)


@pytest.fixture
def livefile(tmp_path: Path, app: App) -> Iterator[Livefile]:
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        livefile.mutation("notes:send_many", **LARGE)
        yield livefile


def count_in(path: Path, app: App) -> int:
    with Livefile.open(path, app) as livefile:
        check_integrity(livefile._database)
        return int(livefile.query("notes:count"))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_a_backup_is_the_state_of_one_commit_though_others_follow(
    livefile: Livefile, app: App, tmp_path: Path
) -> None:
    began_ts = livefile.latest_ts
    calls = []

    def write_meanwhile(done: int, count: int) -> None:
        calls.append((done, count))
        livefile.mutation("notes:send", body=f"later {len(calls)}")

    report = livefile.upkeep.back_up(tmp_path / "out.db", write_meanwhile)

    assert len(calls) > 3
    assert calls[-1][0] == calls[-1][1]
    assert report.ts == began_ts
    assert livefile.query("notes:count") == ROWS + len(calls)
    with Livefile.open(tmp_path / "out.db") as copy:
        assert copy.latest_ts == began_ts
    assert count_in(tmp_path / "out.db", app) == ROWS


def test_a_backup_is_for_its_owner_alone_and_nothing_else_is_left(
    livefile: Livefile, tmp_path: Path
) -> None:
    before = names_in(tmp_path)

    report = livefile.upkeep.back_up(tmp_path / "out.db")

    assert names_in(tmp_path) == before | {"out.db"}
    assert stat.S_IMODE(report.path.stat().st_mode) == 0o600
    assert report.size_bytes == report.path.stat().st_size


def test_a_file_that_is_there_is_left_as_it_is(livefile: Livefile, tmp_path: Path) -> None:
    (tmp_path / "out.db").write_text("precious")
    with pytest.raises(FileError, match="exists; it was left as it is"):
        livefile.upkeep.back_up(tmp_path / "out.db")
    with pytest.raises(FileError, match="cannot create"):
        livefile.upkeep.back_up(tmp_path / "nowhere" / "out.db")

    assert (tmp_path / "out.db").read_text() == "precious"


def test_a_backup_that_is_given_up_leaves_nothing(livefile: Livefile, tmp_path: Path) -> None:
    before = names_in(tmp_path)

    def give_up(done: int, count: int) -> None:
        assert [name for name in names_in(tmp_path) if name.endswith(".partial")]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        livefile.upkeep.back_up(tmp_path / "out.db", give_up)

    assert names_in(tmp_path) == before


def test_two_backups_at_once_are_both_whole(livefile: Livefile, app: App, tmp_path: Path) -> None:
    def back_up_again(done: int, count: int) -> None:
        with suppress(FileError):  # From the second call on.
            livefile.upkeep.back_up(tmp_path / "inner.db")

    livefile.upkeep.back_up(tmp_path / "outer.db", back_up_again)

    assert count_in(tmp_path / "inner.db", app) == ROWS
    assert count_in(tmp_path / "outer.db", app) == ROWS


def test_a_backup_ends_when_the_log_has_grown_too_large(
    livefile: Livefile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_reads, "_LOG_PAGES_MAX", 20)
    monkeypatch.setattr(connections, "WAL_PAGES_BEFORE_CHECKPOINT", 1)

    def write(done: int, count: int) -> None:
        livefile.mutation("notes:send_many", count=30, size=4_000)

    with pytest.raises(BackupError, match="write-ahead log grew over"):
        livefile.upkeep.back_up(tmp_path / "out.db", write)

    assert not (tmp_path / "out.db").exists()


def test_the_log_begins_anew_after_a_backup(
    livefile: Livefile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "WAL_PAGES_BEFORE_CHECKPOINT", 10)

    def write(done: int, count: int) -> None:
        if done < count:
            livefile.mutation("notes:send_many", count=30, size=4_000)

    livefile.upkeep.back_up(tmp_path / "out.db", write)
    pages_before = livefile._database.log_pages
    for _ in range(20):
        livefile.mutation("notes:send", body="after")

    assert livefile._database.log_pages < pages_before


def test_closing_ends_a_backup(tmp_path: Path, app: App) -> None:
    livefile = Livefile.open(tmp_path / "live.db", app)
    livefile.mutation("notes:send_many", **LARGE)
    closer = threading.Thread(target=livefile.close)
    reads = livefile._database._connections.whole_reads

    def close(done: int, count: int) -> None:
        if not closer.ident:
            closer.start()
            with reads._changed:
                assert reads._changed.wait_for(
                    lambda: any(read.reason for read in reads._reads), timeout=30
                )

    with pytest.raises(BackupError, match="was closed while"):
        livefile.upkeep.back_up(tmp_path / "out.db", close)
    closer.join()

    assert names_in(tmp_path) == {"live.db"}


# --- A file that nobody has open -------------------------------------------------------------


def test_a_closed_file_is_backed_up_and_stays_of_its_format(tmp_path: Path) -> None:
    source = tmp_path / "old.db"
    with closing(apsw.Connection(str(source))) as connection:
        connection.execute((Path(__file__).parent / "format_1.sql").read_text())
        connection.pragma("application_id", connections.APPLICATION_ID)
        connection.pragma("user_version", 1)
    before = source.read_bytes()

    back_up_file(source, tmp_path / "out.db")

    assert source.read_bytes() == before
    with closing(apsw.Connection(str(tmp_path / "out.db"))) as connection:
        assert connection.pragma("user_version") == 1


def test_a_file_that_is_open_is_not_backed_up_from_outside(
    livefile: Livefile, tmp_path: Path
) -> None:
    with pytest.raises(FileLockedError):
        back_up_file(livefile.path, tmp_path / "out.db")


def test_what_is_no_deployment_is_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 100)
    with closing(apsw.Connection(str(tmp_path / "other.db"))) as connection:
        connection.execute("CREATE TABLE t (x)")

    with pytest.raises(FileError, match=r"text\.db: this file is no Livefile deployment"):
        back_up_file(tmp_path / "text.db", tmp_path / "out.db")
    with pytest.raises(FileError, match=r"text\.db: this file is no Livefile deployment"):
        restore_file(tmp_path / "text.db", tmp_path / "out.db")
    with pytest.raises(FileError, match="no Livefile deployment"):
        back_up_file(tmp_path / "other.db", tmp_path / "out.db")
    with pytest.raises(FileError, match="no such file"):
        back_up_file(tmp_path / "missing.db", tmp_path / "out.db")
    assert names_in(tmp_path) == {"text.db", "other.db"}


# --- Restoring -------------------------------------------------------------------------------


@pytest.fixture
def backup(livefile: Livefile, tmp_path: Path) -> Path:
    return livefile.upkeep.back_up(tmp_path / "backup.db").path


def test_a_backup_is_restored_to_a_new_file(backup: Path, app: App, tmp_path: Path) -> None:
    report = restore_file(backup, tmp_path / "new.db")

    assert (tmp_path / "new.db").read_bytes() == backup.read_bytes()
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600
    assert restore_file(backup, tmp_path / "again.db", sha256=report.sha256).ts == report.ts
    assert count_in(tmp_path / "new.db", app) == ROWS


def test_a_restore_replaces_a_file_only_when_told(backup: Path, app: App, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    with Livefile.open(target, app) as other:
        other.mutation("notes:send", body="other")
    with pytest.raises(FileError, match="exists; it was left as it is"):
        restore_file(backup, target)
    assert count_in(target, app) == 1
    target.with_name("target.db-wal").write_bytes(b"what a crash left")
    restore_file(backup, target, is_replacing=True)

    assert not target.with_name("target.db-wal").exists()
    assert count_in(target, app) == ROWS


def test_a_file_that_is_open_is_not_replaced(livefile: Livefile, backup: Path) -> None:
    with pytest.raises(FileLockedError):
        restore_file(backup, livefile.path, is_replacing=True)

    assert livefile.query("notes:count") == ROWS


def test_a_damaged_backup_is_not_restored(backup: Path, tmp_path: Path) -> None:
    good = backup.read_bytes()
    cut = tmp_path / "cut.db"
    cut.write_bytes(good[: len(good) // 2])
    torn = tmp_path / "torn.db"
    torn.write_bytes(good[:8192] + b"\0" * 4096 + good[12288:])

    for damaged in (cut, torn):
        with pytest.raises(BackupError):
            restore_file(damaged, tmp_path / "new.db")
    with pytest.raises(BackupError, match="its SHA-256 is"):
        restore_file(backup, tmp_path / "new.db", sha256="0" * 64)
    assert not (tmp_path / "new.db").exists()


def test_an_open_deployment_is_no_backup(livefile: Livefile, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"live\.db-wal lies beside it"):
        restore_file(livefile.path, tmp_path / "new.db")
