"""The commands that end by themselves, as real processes: results, messages and exit codes."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.acceptance.cli_process import livefile
from tests.acceptance.conftest import copy_app
from tests.acceptance.node_runtime import WEB_FOLDER
from tests.acceptance.server_process import ServerProcess, free_port

GENERATED = ("api.js", "api.d.ts", "dataModel.d.ts")


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    """A folder with the chat app."""
    return copy_app("chat", tmp_path)


@pytest.fixture
def chat_server_without_page(chat: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """The chat app in a process."""
    with ServerProcess(chat, tmp_path) as process:
        yield process


# --- From nothing to an answer -----------------------------------------------------------------


def test_a_new_project_runs_at_once(tmp_path: Path) -> None:
    made = livefile("new", "project", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stdout == "project\n"
    project = tmp_path / "project"

    once = livefile("dev", "--once", "--db", "chat.db", folder=project)
    assert once.returncode == 0, once.stderr

    create = ["run", "users:create", '{"name": "Ada", "token_identifier": "ada"}']
    here = ["--db", "chat.db", "--app", "."]
    user = livefile(*create, *here, folder=project)
    assert user.returncode == 0, user.stderr
    message = json.dumps({"body": "hi", "user": json.loads(user.stdout)})
    sent = livefile("run", "messages:send", message, *here, folder=project)
    assert sent.returncode == 0, sent.stderr
    listed = livefile("run", "messages:list", *here, folder=project)

    (row,) = json.loads(listed.stdout)
    assert (row["body"], row["_id"]) == ("hi", json.loads(sent.stdout))


def test_a_new_project_holds_sources_only(tmp_path: Path) -> None:
    assert livefile("new", "project", folder=tmp_path).returncode == 0

    names = {path.name for path in (tmp_path / "project").rglob("*")}
    assert {"messages.py", "schema.py", "package.json", "App.tsx", "api.d.ts"} <= names
    assert not {"node_modules", "dist", "__pycache__", "typecheck", ".livefile"} & names


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")

    refused = livefile("new", ".", folder=tmp_path)

    assert refused.returncode == 1
    assert "is not empty" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert livefile("new", "empty", folder=tmp_path).returncode == 0

    assert (tmp_path / "empty" / "chat" / "messages.py").is_file()


# --- Types -------------------------------------------------------------------------------------


def test_the_generated_types_of_the_chat_page_are_up_to_date(tmp_path: Path) -> None:
    checked = livefile("codegen", str(WEB_FOLDER.parent), "--check", folder=tmp_path)

    assert checked.returncode == 0, checked.stderr


def test_types_are_written_where_the_page_is_and_only_when_they_change(chat: Path) -> None:
    (chat / "web").mkdir()

    first = livefile("codegen", folder=chat)
    second = livefile("codegen", folder=chat)

    folder = chat / "web/convex/_generated"
    assert first.stdout.splitlines() == [str(folder / name) for name in GENERATED]
    assert second.stdout == ""
    assert second.stderr == f"3 files in {folder}, 0 written.\n"
    for name in GENERATED:
        expected = (WEB_FOLDER / "convex/_generated" / name).read_text()
        assert (folder / name).read_text() == expected


def test_types_go_where_they_are_told_and_the_result_is_json_if_asked(chat: Path) -> None:
    written = livefile("codegen", "chat", "--out", "types", "--json", folder=chat)

    assert json.loads(written.stdout) == {
        "folder": "types",
        "changed": [f"types/{name}" for name in GENERATED],
    }


def test_types_that_are_not_up_to_date_fail_the_check_and_stay(chat: Path) -> None:
    assert livefile("codegen", "--out", "types", folder=chat).returncode == 0
    (chat / "types/api.js").write_text("old")

    checked = livefile("codegen", "--out", "types", "--check", folder=chat)

    assert checked.returncode == 1
    assert checked.stdout == "types/api.js\n"
    assert "1 of 3 files in types are not up to date" in checked.stderr
    assert (chat / "types/api.js").read_text() == "old"


# --- Calling functions -------------------------------------------------------------------------


def test_a_result_on_a_terminal_is_indented_and_exact_if_asked(tmp_path: Path) -> None:
    app = copy_app("conformance", tmp_path)
    here = ["--db", "a.db", "--app", "."]
    args = '{"value": [1, 2.5, {"$integer": "AQAAAAAAAAA="}]}'

    plain = livefile("run", "values:echo", args, *here, folder=app)
    exact = livefile("run", "values:echo", args, *here, "--json", folder=app)

    assert plain.stdout == '[\n  1,\n  2.5,\n  {\n    "$integer": "AQAAAAAAAAA="\n  }\n]\n'
    assert exact.stdout == '[1.0,2.5,{"$integer":"AQAAAAAAAAA="}]\n'


def test_run_in_a_project_finds_its_running_server(own_server: ServerProcess) -> None:
    inside = own_server.app / "conformance"

    answer = livefile("run", "values:echo", '{"value": "hi"}', folder=inside)

    assert (answer.returncode, answer.stdout) == (0, '"hi"\n'), answer.stderr


def test_run_in_a_project_reaches_internal_functions_too(
    chat_server_without_page: ServerProcess,
) -> None:
    call = ["run", "messages:attach_summary", '{"message_id": "x", "summary": "s"}']

    answer = livefile(*call, folder=chat_server_without_page.app)

    assert answer.returncode == 1
    assert "ArgumentValidationError" in answer.stderr


def test_the_key_of_a_run_is_worth_nothing_in_the_next(
    chat_server_without_page: ServerProcess,
) -> None:
    note = chat_server_without_page.app / ".livefile" / "dev.json"
    key = json.loads(note.read_text())["admin_key"]
    chat_server_without_page.restart()

    call = ["run", "messages:list", "--url", chat_server_without_page.url, "--admin-key", key]
    answer = livefile(*call, folder=chat_server_without_page.app)

    assert answer.returncode == 1
    assert "BadAdminKey" in answer.stderr


def test_run_reaches_internal_functions_with_the_admin_key_only(
    chat_server_without_page: ServerProcess, tmp_path: Path
) -> None:
    call = ["run", "messages:attach_summary", '{"message_id": "x", "summary": "s"}']
    call += ["--url", chat_server_without_page.url]

    anonymous = livefile(*call, folder=tmp_path)
    key = {"LIVEFILE_ADMIN_KEY": chat_server_without_page.admin_key}
    admin = livefile(*call, folder=tmp_path, variables=key)
    wrong = livefile(*call, "--admin-key", "livefile|00", folder=tmp_path)

    assert anonymous.returncode == 1
    assert "Could not find public function for 'messages:attach_summary'" in anonymous.stderr
    assert admin.returncode == 1
    assert "ArgumentValidationError" in admin.stderr
    assert wrong.returncode == 1
    assert "BadAdminKey" in wrong.stderr


def test_what_a_function_prints_goes_to_stderr_and_its_error_fails(tmp_path: Path) -> None:
    app = copy_app("conformance", tmp_path)
    here = ["--db", "a.db", "--app", "."]

    printed = livefile("run", "logs:print_line", '{"line": "hello"}', *here, folder=app)
    failed = livefile("run", "errors:raise_data", '{"data": {"code": 7}}', *here, folder=app)

    assert printed.stdout == '"hello"\n'
    assert "[LOG] hello" in printed.stderr
    assert (failed.returncode, failed.stdout) == (1, "")
    assert 'data: {"code":7.0}' in failed.stderr


# --- Misuse, told in one line ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["serve"], "Missing argument 'FILE'"),
        (["serve", "a.db", "--port", "70000"], "'--port'"),
        (["dev", "--prot", "1"], "No such option"),
        (["dev", "--web", "nowhere"], "web must be a folder with a built page; nowhere is none"),
        (["dev", "--host", "192.0.2.1"], "cannot listen on 192.0.2.1:3210"),
        (["dev", "--config", "none.toml"], "cannot read none.toml"),
        (["new"], "Missing argument 'DIR'"),
        (["new", "x", "--template", "y"], "'y' is not 'chat'"),
        (["run", "a:b", "[1]"], "ARGS must be an object"),
        (["run", "a:b", "{"], "ARGS must be JSON"),
        (["run", "a:b"], "no running `livefile dev` in this project"),
        (["run", "a:b", "--db", "a.db"], "--db needs --app"),
        (["run", "a:b", "--db", "a.db", "--app", ".", "--url", "x"], "exclude each other"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_misuse_ends_with_2_and_says_what_is_wrong(
    chat: Path, words: list[str], complaint: str
) -> None:
    done = livefile(*words, folder=chat)

    assert done.returncode == 2, done.stderr
    assert complaint in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_option_may_come_from_its_variable_and_a_flag_wins(chat: Path) -> None:
    variables = {"LIVEFILE_OUT": "from_variable", "LIVEFILE_JSON": "1"}

    by_variable = livefile("codegen", folder=chat, variables=variables)
    by_flag = livefile("codegen", "--out", "from_flag", folder=chat, variables=variables)

    assert json.loads(by_variable.stdout)["folder"] == "from_variable"
    assert json.loads(by_flag.stdout)["folder"] == "from_flag"


def test_a_wrong_variable_is_named(chat: Path) -> None:
    done = livefile("dev", "--once", folder=chat, variables={"LIVEFILE_PORT": "many"})

    assert done.returncode == 2
    assert "LIVEFILE_PORT" in done.stderr


def test_options_come_from_the_file_of_the_project(chat: Path) -> None:
    (chat / "livefile.toml").write_text('db = "data.db"\nout = "types"\n')

    done = livefile("dev", "--once", folder=chat)

    assert done.returncode == 0, done.stderr
    assert (chat / "data.db").is_file()
    assert (chat / "types" / "api.js").is_file()


# --- Files and folders that cannot be used -----------------------------------------------------


def open_once(folder: Path, database: str) -> subprocess.CompletedProcess[str]:
    return livefile("dev", "--once", "--db", database, "--out", "types", folder=folder)


def assert_refused(done: subprocess.CompletedProcess[str], *texts: str) -> None:
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    for text in texts:
        assert text in done.stderr


def test_a_second_process_on_the_same_file_is_refused(own_server: ServerProcess) -> None:
    here = ["--db", str(own_server.database), "--app", str(own_server.app)]

    second = livefile("run", "values:echo", '{"value": 1}', *here, folder=own_server.app)

    assert_refused(second, str(own_server.database))
    assert own_server.query("values:echo", {"value": 1}) == 1


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(chat: Path) -> None:
    (chat / "notes.txt").write_text("These are notes. " * 500)

    done = open_once(chat, "notes.txt")

    assert_refused(done, "notes.txt")
    assert (chat / "notes.txt").read_text() == "These are notes. " * 500


def test_a_database_of_another_program_is_refused_and_left_as_it_is(chat: Path) -> None:
    connection = apsw.Connection(str(chat / "other.db"))
    connection.execute("CREATE TABLE notes(text)")
    connection.close()
    before = (chat / "other.db").read_bytes()

    done = open_once(chat, "other.db")

    assert_refused(done, "other.db")
    assert (chat / "other.db").read_bytes() == before


def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(chat: Path) -> None:
    assert open_once(chat, "chat.db").returncode == 0
    connection = apsw.Connection(str(chat / "chat.db"))
    connection.execute("PRAGMA user_version = 1000000")
    connection.close()
    before = (chat / "chat.db").read_bytes()

    done = open_once(chat, "chat.db")

    assert_refused(done, "chat.db", "newer")
    assert (chat / "chat.db").read_bytes() == before


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing can be made; root may write almost everywhere."""
    folder = tmp_path / "read_only"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        folder = Path("/sys")
    try:
        (folder / "probe").touch()
    except OSError:
        yield folder
    else:
        pytest.skip("this user may write everywhere")


def test_a_read_only_directory_is_named(chat: Path, read_only_folder: Path) -> None:
    done = open_once(chat, str(read_only_folder / "chat.db"))

    assert_refused(done, str(read_only_folder))


def test_a_port_that_is_taken_is_named_and_the_file_is_not_opened(chat: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = livefile("serve", "chat.db", "--port", str(port), folder=chat)

    assert_refused(done, f"port {port} on 127.0.0.1 is taken", "--port")
    assert not (chat / "chat.db").exists()


def test_a_deployment_that_does_not_answer_is_named(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    done = livefile("run", "a:b", "--url", url, folder=tmp_path)

    assert_refused(done, f"no answer from {url}")


def test_code_that_cannot_be_loaded_fails_with_its_place(chat: Path) -> None:
    (chat / "chat" / "messages.py").write_text("import livefile\n\nraise ValueError('no')\n")

    for command in (["codegen"], ["dev", "--once", "--db", "chat.db"], ["serve", "chat.db"]):
        done = livefile(*command, folder=chat)

        assert (done.returncode, done.stdout) == (1, "")
        assert re.search(r"messages\.py.*line 3", done.stderr), done.stderr
        assert "ValueError: no" in done.stderr


def test_a_folder_without_an_app_is_named(tmp_path: Path) -> None:
    done = livefile("codegen", folder=tmp_path)

    assert_refused(done, str(tmp_path))


def test_a_project_can_be_moved(chat: Path, tmp_path: Path) -> None:
    assert livefile("dev", "--once", folder=chat).returncode == 0

    moved = shutil.move(chat, tmp_path / "elsewhere")
    done = livefile("dev", "--once", folder=Path(moved))

    assert done.returncode == 0, done.stderr
    assert "0 files of types written" in done.stderr
