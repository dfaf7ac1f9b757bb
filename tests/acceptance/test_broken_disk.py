"""``livefile serve`` on a disk that fails, and killed: it stops, and the next start recovers."""

import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.acceptance.serve_process import ServeProcess
from tests.app_folder import write_app

STOP_SECONDS_MAX = 20.0

SOURCE = """
from livefile import MutationCtx, QueryCtx, Table, mutation, query

class Note(Table, name="notes"):
    number: float

@mutation
def add(ctx: MutationCtx, number: float) -> float:
    ctx.db.insert(Note(number=number))
    return number

@query
def numbers(ctx: QueryCtx) -> list[float]:
    return sorted(note.number for note in ctx.db.query(Note))
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path, {"notes": SOURCE}, name="notes_app")


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that makes syncs fail; there must be a compiler for it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("shim") / "failing_sync.so"
    source = Path(__file__).with_name("failing_sync.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def add(server: ServeProcess, number: float) -> bool:
    """Return whether the server says that the note was added."""
    return server.call("mutation", "notes:add", {"number": number}) == number


def numbers(server: ServeProcess) -> object:
    return server.call("query", "notes:numbers", {})


def test_a_sync_that_fails_ends_the_server_and_is_acknowledged_to_nobody(
    app: Path, shim: Path, tmp_path: Path
) -> None:
    database, trigger = tmp_path / "live.db", tmp_path / "broken"
    environment = {"LD_PRELOAD": str(shim), "FAILING_SYNC_FILE": str(trigger)}
    with ServeProcess(app, database, environment) as server:
        assert add(server, 1)
        trigger.touch()
        was_acknowledged = add(server, 2)
        code = server.process.wait(timeout=STOP_SECONDS_MAX)
        said = server.output.read_text()
    trigger.unlink()

    assert not was_acknowledged
    assert code != 0
    assert "IOError" in said
    with ServeProcess(app, database) as server:
        # Whether the one in doubt is there is not known; what was acknowledged is.
        assert numbers(server) in ([1.0], [1.0, 2.0])
        assert add(server, 3)


def test_after_a_kill_the_next_start_has_all_that_was_acknowledged(
    app: Path, tmp_path: Path
) -> None:
    database = tmp_path / "live.db"
    acknowledged: list[float] = []
    for life in range(3):
        with ServeProcess(app, database) as server:
            found = numbers(server)
            assert isinstance(found, list)
            assert set(acknowledged) <= set(found)
            first = life * 1_000
            enough = threading.Event()

            def write(server: ServeProcess, start: int, enough: threading.Event) -> None:
                for number in range(start, start + 250):
                    if not add(server, number):
                        break
                    acknowledged.append(float(number))
                    if number == start + 30:
                        enough.set()
                enough.set()

            writers = [
                threading.Thread(target=write, args=(server, first + part * 250, enough))
                for part in range(4)
            ]
            for writer in writers:
                writer.start()
            enough.wait()
            server.process.send_signal(signal.SIGKILL)
            for writer in writers:
                writer.join()

    assert len(acknowledged) > 90
    with ServeProcess(app, database) as server:
        found = numbers(server)
        assert isinstance(found, list)
        assert set(acknowledged) <= set(found)
        assert len(found) == len(set(found))
