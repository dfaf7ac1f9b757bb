"""``livefile dev`` and ``livefile serve`` while they run: reloads, reports, ports, the end."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cli_process import RunningCommand, livefile, wait_for_text
from tests.acceptance.server_process import ADMIN_KEY, ServerProcess, free_port
from tests.acceptance.wire_socket import Message, WireSocket, run_on_socket

GREETINGS = """\
from livefile import MutationCtx, QueryCtx, mutation, query

from .schema import Visit


@query
def hello(ctx: QueryCtx) -> str:
    return "hello"


@mutation
def visit(ctx: MutationCtx, name: str) -> int:
    print("a visit of", name)
    ctx.db.insert(Visit(name=name))
    return len(ctx.db.query(Visit).collect())


@mutation
def fail(ctx: MutationCtx) -> None:
    raise ValueError("as asked")
"""
SCHEMA = """\
from livefile import Table, index


class Visit(Table, name="visits"):
    name: str
    by_name = index("name")
"""


@pytest.fixture
def greeter(tmp_path: Path) -> Path:
    """A small app in a project of its own; returns the package's folder."""
    package = tmp_path / "project" / "greeter"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "greetings.py").write_text(GREETINGS)
    (package / "schema.py").write_text(SCHEMA)
    return package


@pytest.fixture
def dev(greeter: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(greeter.parent, tmp_path) as process:
        yield process


def write_greeting(package: Path, expression: str) -> None:
    """Make ``hello`` return another expression, as an editor that saves the file."""
    path = package / "greetings.py"
    changed = path.with_suffix(".new")
    changed.write_text(re.sub(r"return .*", f"return {expression}", path.read_text(), count=1))
    os.replace(changed, path)


def value_of(transition: Message) -> object:
    """Return the new value of the one query in a transition."""
    (modification,) = transition["modifications"]
    assert modification["type"] == "QueryUpdated", modification
    return modification["value"]


def test_a_folder_without_an_app_is_served_for_what_will_be_pushed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "convex").mkdir(parents=True)
    (project / "convex" / "chat.ts").write_text("export const a = 1;\n")
    # Loading it would be running it.
    (project / "script.py").write_text("import livefile_tools\nopen('ran', 'w')\n")

    with ServerProcess(project, tmp_path) as server:
        wait_for_text(server.read_output, "No Python here imports livefile")
        body = {"path": "chat:list", "args": {}, "format": "json"}
        status, answer = server.post("/api/query", body)
        server.stop()

    assert status == 200
    assert "Could not find public function for 'chat:list'" in answer["errorMessage"]
    assert not (project / "convex" / "_generated").exists()
    assert not list(tmp_path.rglob("ran"))


# --- Changes of the code -----------------------------------------------------------------------


def test_changed_code_serves_at_once_over_http_and_in_live_queries(
    dev: ServerProcess, greeter: Path
) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries({0: ("greetings:hello", {})})
        assert value_of(await socket.receive_transition()) == "hello"

        write_greeting(greeter, '"good day"')

        assert value_of(await socket.receive_transition()) == "good day"

    run_on_socket(dev.url, scenario)
    assert dev.query("greetings:hello", {}) == "good day"
    wait_for_text(dev.read_output, "Reloaded greetings.py")


def test_a_broken_module_is_shown_with_its_traceback_and_the_old_one_keeps_serving(
    dev: ServerProcess, greeter: Path
) -> None:
    (greeter / "greetings.py").write_text(GREETINGS + "\n\nraise RuntimeError('broken')\n")

    output = wait_for_text(dev.read_output, "keeps serving")
    line = len(GREETINGS.splitlines()) + 3
    assert re.search(rf'File ".*greetings\.py", line {line}', output)
    assert "RuntimeError: broken" in output
    assert dev.query("greetings:hello", {}) == "hello"

    (greeter / "greetings.py").write_text(GREETINGS.replace('"hello"', '"mended"'))
    wait_for_text(dev.read_output, "Reloaded")
    assert dev.query("greetings:hello", {}) == "mended"


def test_a_schema_that_the_documents_do_not_fit_is_refused(
    dev: ServerProcess, greeter: Path
) -> None:
    assert dev.mutation("greetings:visit", {"name": "Ada"}) == 1

    (greeter / "schema.py").write_text(SCHEMA.replace("name: str", "name: str\n    age: float"))

    wait_for_text(dev.read_output, "keeps serving")
    assert dev.mutation("greetings:visit", {"name": "Ben"}) == 2


def test_a_new_field_with_a_default_and_a_new_index_are_taken_while_serving(
    dev: ServerProcess, greeter: Path
) -> None:
    dev.mutation("greetings:visit", {"name": "Ada"})
    fields = 'name: str\n    age: float = 40.0\n    by_age = index("age")'

    (greeter / "schema.py").write_text(SCHEMA.replace("name: str", fields))
    write_greeting(
        greeter,
        "str([visit.age for visit in ctx.db.query(Visit).collect()])"
        " + repr(ctx.db.query(Visit.by_age.gte(age=40)).first())",
    )

    wait_for_text(dev.read_output, "Reloaded greetings.py")
    assert dev.mutation("greetings:visit", {"name": "Ben"}) == 2
    greeting = dev.query("greetings:hello", {})
    assert greeting.startswith("[40.0, 40.0]Visit(")
    assert "age=40.0" in greeting


def test_types_follow_the_code(dev: ServerProcess, greeter: Path) -> None:
    types = greeter.parent / "convex" / "_generated" / "api.d.ts"
    assert "hello: FunctionReference<" in types.read_text()

    changed = GREETINGS.replace("def hello(ctx: QueryCtx)", "def hi(ctx: QueryCtx, loud: bool)")
    (greeter / "greetings.py").write_text(changed)

    wait_for_text(dev.read_output, f"Types written to {types.parent}: api.d.ts.")
    assert "hi: FunctionReference<" in types.read_text()
    assert "{ loud: boolean }" in types.read_text()
    assert "hello" not in types.read_text()


def test_a_first_start_with_broken_code_waits_until_it_is_mended(
    greeter: Path, tmp_path: Path
) -> None:
    (greeter / "greetings.py").write_text("def hello(:\n")
    words = ["dev", "--db", "greeter.db", "--port", str(free_port())]

    with RunningCommand(words, greeter.parent, tmp_path / "output.txt") as running:
        assert "SyntaxError" in running.wait_for_output("waiting for the next change")
        (greeter / "greetings.py").write_text(GREETINGS)
        running.wait_for_output("Serving greeter at")

        assert running.end(signal.SIGTERM) == 0


# --- What it tells -----------------------------------------------------------------------------


def test_calls_are_told_with_their_kind_their_lines_and_their_errors(dev: ServerProcess) -> None:
    dev.mutation("greetings:visit", {"name": "Ada"})
    dev.post("/api/mutation", {"path": "greetings:fail", "args": {}})

    output = wait_for_text(dev.read_output, "ValueError: as asked")
    assert re.search(r"^mutation +greetings:visit +\d+\.\d ms\b", output, re.MULTILINE)
    assert "[LOG] a visit of Ada" in output
    assert re.search(r"^mutation +greetings:fail +\d+\.\d ms\b", output, re.MULTILINE)


def test_the_admin_key_is_shown_at_the_first_start_only(dev: ServerProcess) -> None:
    assert len(ADMIN_KEY.findall(dev.read_output())) == 1

    dev.restart()

    wait_for_text(lambda: dev.read_output().partition(dev.admin_key)[2], "Serving greeter at")
    assert len(ADMIN_KEY.findall(dev.read_output())) == 1


def test_the_note_of_a_running_server_goes_away_with_it(dev: ServerProcess, greeter: Path) -> None:
    note = greeter.parent / ".livefile" / "dev.json"
    assert json.loads(note.read_text())["url"] == dev.url

    dev.stop()

    assert not note.exists()


# --- Ports, signals and files ------------------------------------------------------------------


def test_dev_takes_the_next_free_port_and_says_so(greeter: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ["dev", "--db", "greeter.db", "--port", str(port)]
        with RunningCommand(words, greeter.parent, tmp_path / "output.txt") as running:
            output = running.wait_for_output("Serving greeter at")

            found = re.search(rf"Port {port} is taken; using (\d+)\.", output)
            assert found is not None
            assert f"http://127.0.0.1:{found[1]}" in output


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_serve_runs_until_it_is_told_to_end_and_leaves_one_file(
    greeter: Path, tmp_path: Path, signal_number: int
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    words = ["serve", "data/greeter.db", "--app", str(greeter), "--port", "0"]

    with RunningCommand(words, tmp_path, tmp_path / "output.txt") as running:
        output = running.wait_for_output("Serving data/greeter.db at http://127.0.0.1:")
        url = re.findall(r"http://\S+", output)[0]
        call = ["run", "greetings:visit", '{"name": "Ada"}', "--url", url]
        assert livefile(*call, folder=tmp_path).stdout == "1\n"
        assert running.end(signal_number) == 0

    assert [path.name for path in folder.glob("greeter.db*")] == ["greeter.db"]


def test_a_second_server_on_the_same_file_is_refused(
    dev: ServerProcess, greeter: Path, tmp_path: Path
) -> None:
    words = ["serve", str(dev.database), "--app", str(greeter), "--port", "0"]

    second = livefile(*words, folder=tmp_path)

    assert (second.returncode, second.stdout) == (1, "")
    assert str(dev.database) in second.stderr
    assert dev.query("greetings:hello", {}) == "hello"


def test_dev_without_a_file_keeps_its_database_in_the_project(
    greeter: Path, tmp_path: Path
) -> None:
    done = livefile("dev", "--once", folder=greeter)

    assert done.returncode == 0, done.stderr
    assert (greeter.parent / ".livefile" / "greeter.db").is_file()
