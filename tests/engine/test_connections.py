"""Opening and closing the file: what is there before, meanwhile and afterwards."""

import gc
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from livefile import ClosedError, FileError, FileLockedError, Livefile
from livefile.sqlite.connections import APPLICATION_ID, FORMAT, Connections
from tests.tables import Player
from tests.workbench import Workbench

HOLDER = """
import sys
from livefile import Livefile
livefile = Livefile.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
livefile.close()
"""

# Dies while a process that it has begun is not yet a program of its own.
PARENT = """
import os, signal, sys, time
from livefile import Livefile
livefile = Livefile.open(sys.argv[1])
if os.fork():
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(0.5)
os._exit(0)
"""

# Dies while it makes the tables, when some of the pages are in the file already.
VICTIM = """
import os, signal, sys
import apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA cache_size = 1; BEGIN; CREATE TABLE tables (name TEXT)")
for _ in range(50):
    connection.execute("INSERT INTO tables VALUES (?)", ("x" * 4000,))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "live.db"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the file open until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


@pytest.fixture
def sealed_folder() -> Iterator[Path]:
    """A folder that this process may not write into, also if root runs it."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        if user == 0:
            os.chown(folder, 65534, -1)
            os.seteuid(65534)
        os.chmod(folder, 0o500)
        try:
            yield Path(folder)
        finally:
            os.chmod(folder, 0o700)
            if user == 0:
                os.seteuid(0)


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def make_deployment(path: Path) -> None:
    with Workbench(Player, path=path) as bench, bench.change() as db:
        db.insert(Player(name="Ada"))


def assert_refused(path: Path, text: str) -> None:
    """Opening fails with this text, and leaves every byte of the folder as it was."""
    before = {entry: entry.read_bytes() for entry in path.parent.iterdir()}
    with pytest.raises(FileError, match=text) as raised:
        Livefile.open(path)
    assert str(path) in str(raised.value)
    assert {entry: entry.read_bytes() for entry in path.parent.iterdir()} == before


# --- One file --------------------------------------------------------------------------------


def test_closing_leaves_one_file(path: Path) -> None:
    with Workbench(Player, path=path) as bench:
        with bench.change() as db:
            db.insert(Player(name="Ada"))
        assert set(names_in(path.parent)) == {
            "live.db",
            "live.db-shm",
            "live.db-wal",
            "live.db.lock",
        }

    assert names_in(path.parent) == ["live.db"]


def test_a_copy_of_a_closed_file_is_the_deployment(path: Path) -> None:
    make_deployment(path)
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())

    with Workbench(Player, path=copy) as bench:
        assert [row["name"] for row in bench.rows(Player)] == ["Ada"]


def test_a_deployment_in_memory_leaves_nothing() -> None:
    with Workbench(Player) as bench:
        folder = bench.database.path.parent
        assert folder.is_dir()

    assert not folder.exists()


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_the_files_are_for_their_owner_only(path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with Workbench(Player, path=path):
            modes = {
                entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()
            }
    finally:
        os.umask(before)

    assert set(modes.values()) == {0o600}


def test_an_empty_file_becomes_a_deployment(path: Path) -> None:
    path.touch()
    make_deployment(path)

    with Workbench(Player, path=path) as bench:
        assert len(bench.rows(Player)) == 1


def test_a_file_whose_making_was_cut_short_becomes_a_deployment(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", VICTIM, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.stat().st_size > 0
    make_deployment(path)

    assert names_in(path.parent) == ["live.db"]


def test_the_header_says_whose_file_it_is(path: Path) -> None:
    make_deployment(path)
    connection = apsw.Connection(str(path))

    assert connection.pragma("application_id") == APPLICATION_ID
    assert connection.pragma("user_version") == FORMAT
    connection.close()


# --- Settings --------------------------------------------------------------------------------


def test_a_commit_waits_for_the_disk(path: Path) -> None:
    with Workbench(Player, path=path) as bench:
        writer = bench.database._connections.writer

        assert writer.pragma("journal_mode") == "wal"
        assert writer.pragma("synchronous") == 2  # FULL
        assert writer.pragma("wal_autocheckpoint") == 0


def test_connections_are_hardened(path: Path) -> None:
    with Workbench(Player, path=path) as bench:
        connections = bench.database._connections
        with connections.read() as reader:
            for connection in (connections.writer, reader):
                assert connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, -1) == 1
                assert connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1) == 0
            with pytest.raises(apsw.ReadOnlyError):
                reader.execute("DELETE FROM documents")


def test_the_write_ahead_log_does_not_grow_without_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.sqlite.connections.WAL_PAGES_BEFORE_CHECKPOINT", 50)
    with Workbench(Player, path=path) as bench:
        for _ in range(300):
            with bench.change() as db:
                db.insert(Player(name="Ada"))
        log = path.with_name("live.db-wal")

        assert log.stat().st_size < 150 * 4096
        assert path.stat().st_size > 100_000


# --- One process at a time -------------------------------------------------------------------


def test_a_second_process_is_refused_with_the_number_of_the_first(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(FileLockedError, match=f"process {holder.pid}") as raised:
        Livefile.open(path)

    assert str(path) in str(raised.value)
    assert holder.poll() is None


def test_the_file_is_free_when_the_first_process_closed_it(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.communicate(timeout=60)

    make_deployment(path)
    assert names_in(path.parent) == ["live.db"]


def test_the_file_is_free_when_the_first_process_was_killed(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.kill()
    holder.wait()
    assert "live.db.lock" in names_in(path.parent)

    make_deployment(path)
    assert names_in(path.parent) == ["live.db"]


def test_the_file_is_free_soon_when_a_killed_process_left_its_lock_to_a_child(path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", PARENT, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL

    make_deployment(path)
    assert names_in(path.parent) == ["live.db"]


def test_a_second_opening_in_one_process_is_refused(path: Path) -> None:
    with Workbench(Player, path=path) as bench:
        with pytest.raises(FileLockedError, match=f"process {os.getpid()}"):
            Livefile.open(path)
        with bench.change() as db:  # The first is none the worse for it.
            db.insert(Player(name="Ada"))

    with Workbench(Player, path=path) as bench:
        assert len(bench.rows(Player)) == 1


# --- Files that cannot be opened -------------------------------------------------------------


def test_a_text_is_no_deployment(path: Path) -> None:
    path.write_text("This is a shopping list.\n" * 100)

    assert_refused(path, "this file is no Livefile deployment")


def test_a_damaged_header_is_no_deployment(path: Path) -> None:
    make_deployment(path)
    data = path.read_bytes()
    path.write_bytes(b"x" * 16 + data[16:])

    assert_refused(path, "this file is no Livefile deployment")


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_foreign_database_is_left_as_it_is(path: Path, journal_mode: str) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", journal_mode)
    connection.execute("CREATE TABLE songs (name TEXT); INSERT INTO songs VALUES ('a')")
    connection.close()

    assert_refused(path, "is a SQLite database but no Livefile deployment")


def test_a_newer_format_is_left_as_it_is(path: Path) -> None:
    make_deployment(path)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", FORMAT + 1)
    connection.close()

    assert_refused(
        path, f"this file has format {FORMAT + 1}, this version .* up to format {FORMAT}"
    )


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"the directory .*missing does not exist"):
        Livefile.open(tmp_path / "missing" / "live.db")
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"the directory .*file does not exist"):
        Livefile.open(tmp_path / "file" / "live.db")
    assert names_in(tmp_path) == ["file"]


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "live.db").mkdir()

    with pytest.raises(FileError, match="this is a directory"):
        Livefile.open(tmp_path / "live.db")


def test_a_folder_that_cannot_be_written_is_refused(sealed_folder: Path) -> None:
    with pytest.raises(FileError, match="cannot write into this directory"):
        Livefile.open(sealed_folder / "live.db")

    assert names_in(sealed_folder) == []


def test_a_file_that_cannot_be_written_is_refused(sealed_folder: Path) -> None:
    sealed_folder.chmod(0o700)
    path = sealed_folder / "live.db"
    make_deployment(path)
    path.chmod(0o400)

    assert_refused(path, "cannot open this file for writing")


def test_a_refused_file_can_be_opened_once_it_is_right(path: Path) -> None:
    make_deployment(path)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", FORMAT + 1)
    connection.close()
    with pytest.raises(FileError) as raised:
        Livefile.open(path)

    # As long as somebody holds the error, too: it must not hold the file.
    assert raised.value.__traceback__ is not None
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", FORMAT)
    connection.close()
    assert names_in(path.parent) == ["live.db"]
    with Workbench(Player, path=path) as bench:
        assert len(bench.rows(Player)) == 1


# --- Readers ---------------------------------------------------------------------------------


def test_a_closed_file_lends_no_readers(path: Path) -> None:
    connections = Connections(path)
    connections.close()

    with pytest.raises(ClosedError, match="is closed"), connections.read():
        pass


def test_a_reader_that_comes_back_late_is_closed(path: Path) -> None:
    connections = Connections(path)
    with connections.read() as reader:
        assert reader.execute("SELECT count(*) FROM documents").get == 0
        connections.close()
    gc.collect()

    assert not [name for name in names_in(path.parent) if name.endswith(".lock")]
    with pytest.raises(apsw.ConnectionClosedError):
        reader.execute("SELECT 1")


def test_a_reader_whose_user_failed_is_lent_again(path: Path) -> None:
    connections = Connections(path)
    for _ in range(20):
        with pytest.raises(ValueError, match="oops"), connections.read():
            raise ValueError("oops")
    with connections.read() as reader:
        assert not reader.in_transaction or reader.execute("SELECT 1").get == 1
    connections.close()

    assert names_in(path.parent) == ["live.db"]
