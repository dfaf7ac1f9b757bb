"""The commands about a file as real processes: on one that is closed, and on one that is served."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.acceptance.cli_process import command_line, environment, livefile, wait_for_text
from tests.acceptance.serve_process import ServeProcess
from tests.acceptance.server_process import STOP_SECONDS_MAX

APP = """
    from livefile import MutationCtx, QueryCtx, Table, index, mutation, query

    class Note(Table, name="notes"):
        text: str
        by_text = index("text")

    @mutation
    def add(ctx: MutationCtx, text: str) -> str:
        return ctx.db.insert(Note(text=text))

    @query
    def texts(ctx: QueryCtx) -> list[str]:
        return [note.text for note in ctx.db.query(Note.by_text)]
"""
WAIT_SECONDS = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.py").write_text(dedent(APP))
    return tmp_path


@pytest.fixture
def closed(folder: Path) -> Path:
    """A folder with a file that holds one note and that nobody has open."""
    run(folder, "run", "notes:add", '{"text": "kept"}', "--db", "live.db", "--app", "notes")
    return folder


@pytest.fixture
def server(folder: Path) -> Iterator[ServeProcess]:
    with ServeProcess(folder / "notes", folder / "live.db") as server:
        assert server.call("mutation", "notes:add", {"text": "kept"})
        yield server


def run(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = livefile(*words, folder=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def texts_in(folder: Path, name: str) -> list[str]:
    done = run(folder, "run", "notes:texts", "--db", name, "--app", "notes", "--json")
    found: list[str] = json.loads(done.stdout)
    return found


def test_a_closed_file_is_backed_up_checked_and_restored(closed: Path) -> None:
    printed = run(closed, "backup", "live.db", "out.db").stdout.split()
    assert printed == [hashlib.sha256((closed / "out.db").read_bytes()).hexdigest(), "out.db"]
    assert "nothing is wrong" in run(closed, "check", "out.db").stderr
    refused = run(closed, "restore", "out.db", "live.db", code=1)
    assert "this file exists; it was left as it is" in refused.stderr
    run(closed, "run", "notes:add", '{"text": "later"}', "--db", "live.db", "--app", "notes")
    run(closed, "restore", "out.db", "live.db", "--replace", "--sha256", printed[0])

    assert texts_in(closed, "live.db") == ["kept"]


def test_a_served_file_is_backed_up_by_its_server(folder: Path, server: ServeProcess) -> None:
    facts = json.loads(run(folder, "backup", "live.db", "out.db", "--json").stdout)
    server.call("mutation", "notes:add", {"text": "later"})
    refused = run(folder, "backup", "live.db", "out.db", code=1)

    assert facts["sha256"] == hashlib.sha256((folder / "out.db").read_bytes()).hexdigest()
    assert facts["sizeBytes"] == (folder / "out.db").stat().st_size
    assert "this file exists" in refused.stderr
    assert texts_in(folder, "out.db") == ["kept"]
    assert "nothing is wrong" in run(folder, "check", "live.db").stderr
    assert not list(folder.glob("*.partial"))


def test_the_note_of_a_server_is_for_its_owner_and_goes_with_it(
    folder: Path, server: ServeProcess
) -> None:
    note = folder / "live.db.server"
    assert note.stat().st_mode & 0o777 == 0o600
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=WAIT_SECONDS) == 0

    assert not note.exists()
    assert texts_in(folder, "live.db") == ["kept"]


def test_a_command_runs_while_the_file_stands_still(folder: Path, server: ServeProcess) -> None:
    run(folder, "freeze", "live.db", "--", "cp", "live.db", "copy.db")
    assert server.call("mutation", "notes:add", {"text": "later"})
    failed = run(folder, "freeze", "live.db", "--", sys.executable, "-c", "exit(7)", code=7)

    assert failed.stdout == ""
    assert texts_in(folder, "copy.db") == ["kept"]


def test_a_command_that_takes_too_long_is_told_so(folder: Path, server: ServeProcess) -> None:
    # It ends when the mutation has gone through: when the file has thawed.
    (folder / "wait.py").write_text(
        dedent("""
            import json, sys, urllib.request
            server = json.load(open("live.db.server"))
            body = json.dumps({"path": "notes:add", "args": {"text": "thawed"}}).encode()
            request = urllib.request.Request(server["url"] + "/api/mutation", data=body)
            request.add_header("Content-Type", "application/json")
            urllib.request.urlopen(request).read()
        """)
    )

    done = run(
        folder, "freeze", "live.db", "--seconds", "1", "--", sys.executable, "wait.py", code=1
    )

    assert "throw the copy away" in done.stderr
    assert server.call("query", "notes:texts", {}) == ["kept", "thawed"]


def test_a_file_thaws_when_the_command_is_killed(folder: Path, server: ServeProcess) -> None:
    # Prints once it runs, and then waits for an end of input that never comes.
    program = "import sys; print('frozen', flush=True); sys.stdin.read()"
    words = ["freeze", "live.db", "--seconds", "300", "--", sys.executable, "-c", program]
    output = folder / "freeze.txt"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command_line(*words),
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=file,
            start_new_session=True,
        ) as process,
    ):
        wait_for_text(output.read_text, "frozen")
        os.killpg(process.pid, signal.SIGKILL)

    assert server.call("mutation", "notes:add", {"text": "thawed"})
    server.process.terminate()
    assert server.process.wait(timeout=STOP_SECONDS_MAX) == 0
    assert "Traceback" not in server.output.read_text()


def test_documents_go_out_of_a_served_file_and_in(folder: Path, server: ServeProcess) -> None:
    (folder / "in.csv").write_text("text\nfirst\nsecond\n")
    (folder / "bad.csv").write_text("text,more\nfirst,1\n")

    refused = run(folder, "import", "live.db", "in.csv", "--table", "notes", code=1)
    append = ("--table", "notes", "--mode", "append")
    bad = run(folder, "import", "live.db", "bad.csv", *append, code=1)
    run(folder, "import", "live.db", "in.csv", *append)
    run(folder, "export", "live.db", "out.zip")

    assert '"notes" is not empty' in refused.stderr
    assert "bad.csv, line 2" in bad.stderr
    assert server.call("query", "notes:texts", {}) == ["first", "kept", "second"]
    with zipfile.ZipFile(folder / "out.zip") as file:
        lines = file.read("notes/documents.jsonl").splitlines()
    assert sorted(json.loads(line)["text"] for line in lines) == ["first", "kept", "second"]


def test_misuse_says_what_is_wanted(closed: Path) -> None:
    missing = run(closed, "backup", "missing.db", "out.db", code=2)
    no_zip = run(closed, "export", "live.db", "out.txt", code=2)
    no_table = run(closed, "export", "live.db", "out.jsonl", "--table", "nothing", code=1)

    assert "missing.db' does not exist" in missing.stderr
    assert "all tables go into a .zip file" in no_zip.stderr
    assert 'there is no table "nothing"; there are: notes' in no_table.stderr
    assert not (closed / "out.jsonl").exists()


def test_a_file_that_another_program_has_open_says_so(closed: Path) -> None:
    holder = (
        "import sys; from livefile import Livefile\n"
        "with Livefile.open('live.db'):\n"
        "    print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder],
        cwd=closed,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        refused = run(closed, "backup", "live.db", "out.db", code=1)
        process.communicate()

    assert f"another process has this file open (process {process.pid})" in refused.stderr
