"""`npx convex` of the npm package on a deployment with functions in Python.

Everything that the CLI does without pushing code: run, env, data, logs, function-spec, import and
export. The deployment is shared by the tests of this file; each keeps to tables of its own.

Not here: pushes (``typescript/``).
"""

import json
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.conftest import copy_app
from tests.acceptance.convex_project import COMMAND_SECONDS_MAX, ConvexProject
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.node


class Cli:
    """The CLI in an empty project, on one deployment."""

    def __init__(self, project: ConvexProject, server: ServerProcess) -> None:
        self.folder = project.folder
        self.server = server
        self._project = project

    def says(self, *words: str) -> str:
        """Run a command that succeeds, and return what it wrote to its output."""
        done = self._project.convex(self.server, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self, *words: str) -> str:
        """Run a command that fails, and return what it said."""
        done: subprocess.CompletedProcess[str] = self._project.convex(self.server, *words)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stdout + done.stderr

    def run(self, path: str, **args: object) -> Any:  # Any: decoded JSON.
        """Run a function and return its result."""
        said = self.says("run", path, json.dumps(args))
        return json.loads(said) if said else None  # It writes nothing for null.

    def user(self, token: str) -> Any:
        """Return the id of a user who was created without the CLI."""
        return self.server.mutation("users:create", {"name": "Ada", "token_identifier": token})

    def documents(self, table: str) -> list[dict[str, object]]:
        """Return the documents of a table, oldest first, without what the system adds."""
        options = {"numItems": 100, "cursor": None}
        body = {
            "path": "_system/cli/tableData",
            "args": {"table": table, "order": "asc", "paginationOpts": options},
            "format": "json",
        }
        headers = {"Authorization": f"Convex {self.server.admin_key}"}
        status, answer = self.server.post("/api/function", body, headers)
        assert status == 200, answer
        return [
            {name: item for name, item in each.items() if name[0] != "_"}
            for each in answer["value"]["page"]
        ]

    def follow(
        self, last: str, *words: str, at: tuple[str, Callable[[], None]] | None = None
    ) -> list[str]:
        """Return the lines of a command that goes on, up to one that has ``last`` in it.

        ``at`` is a line, and what is done when it has come.
        """
        lines = []
        with self._project.start(self.server, *words) as running:
            assert running.stdout is not None
            end = threading.Timer(COMMAND_SECONDS_MAX, running.kill)
            end.start()
            for line in running.stdout:
                lines.append(line)
                if at is not None and line.strip() == at[0]:
                    at[1]()
                if last in line:
                    break
            end.cancel()
            running.kill()
        return lines

    def write(self, name: str, text: str) -> str:
        """Write a file into the project and return its name."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return name


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The CLI on the chat."""
    folder = tmp_path_factory.mktemp("official_cli")
    empty = folder / "empty"
    (empty / "convex").mkdir(parents=True)
    (empty / "package.json").write_text('{"dependencies": {"convex": "*"}}', encoding="utf-8")
    project = ConvexProject(empty, folder / "project")
    with ServerProcess(copy_app("chat", folder), folder) as server:
        yield Cli(project, server)


def test_it_runs_a_query_that_is_written_on_the_command_line(cli: Cli) -> None:
    user = cli.user("inline")

    found = cli.says("run", "--inline-query", f'(await ctx.db.get("{user}")).token_identifier')
    said = cli.fails("run", "--inline-query", f'await ctx.db.delete("{user}")')

    assert found.strip() in ('"inline"', "inline")
    assert "ctx.db.delete is not a function" in said


def test_it_runs_functions_of_every_kind(cli: Cli) -> None:
    user = cli.user("runs")
    message = cli.run("messages:send", body="one two three", user=user, channel="runs")
    cli.run("messages:summarize", message_id=message)

    listed = cli.run("messages:list", channel="runs")
    assert [(each["body"], each["summary"]) for each in listed] == [
        ("one two three", "one two three (3 words)")
    ]


def test_it_runs_internal_functions(cli: Cli) -> None:
    user = cli.user("internal")
    message = cli.server.mutation("messages:send", {"body": "hi", "user": user})

    assert cli.run("messages:attach_summary", message_id=message, summary="short") is None


def test_it_lists_the_functions_if_there_is_none_of_a_name(cli: Cli) -> None:
    said = cli.fails("run", "messages:nothing")

    assert "Could not find function for 'messages:nothing'" in said
    assert "• messages:send" in said
    assert "• users:create" in said


def test_environment_variables_are_set_read_and_removed(cli: Cli) -> None:
    cli.says("env", "set", "GREETING", "good morning")
    shown = cli.says("env", "get", "GREETING")
    listed = cli.says("env", "list")
    cli.says("env", "remove", "GREETING")

    assert shown == "good morning\n"
    assert "GREETING=" in listed
    assert cli.says("env", "get", "GREETING") == ""


def test_a_watched_query_is_shown_again_when_it_changes(cli: Cli) -> None:
    user = cli.user("watched")
    args = json.dumps({"channel": "watched"})

    def send() -> None:
        message = {"body": "news", "user": user, "channel": "watched"}
        cli.server.mutation("messages:send", message)

    lines = cli.follow("news", "run", "messages:list", args, "--watch", at=("[]", send))

    assert "[]\n" in lines
    assert '"body": "news"' in lines[-1]


def test_tables_and_their_documents_are_shown(cli: Cli) -> None:
    user = cli.user("shown")

    assert {"messages", "users"} <= set(cli.says("data").split())
    assert f'"{user}"' in cli.says("data", "users", "--limit", "1")


def test_the_function_spec_has_what_the_functions_take(cli: Cli) -> None:
    spec = json.loads(cli.says("function-spec"))

    by_name = {each["identifier"]: each for each in spec["functions"]}
    assert spec["url"] == cli.server.url
    assert by_name["messages.js:attach_summary"]["visibility"] == {"kind": "internal"}
    create = by_name["users.js:create"]
    assert (create["functionType"], create["visibility"]) == ("Mutation", {"kind": "public"})
    assert create["args"]["value"]["name"] == {"fieldType": {"type": "string"}, "optional": False}
    assert create["returns"] == {"type": "id", "tableName": "users"}


def test_the_log_shows_calls_but_not_what_tools_ask(cli: Cli) -> None:
    cli.says("data")
    cli.fails("run", "messages:send", '{"body": 7}')
    lines = cli.follow("ArgumentValidationError", "logs", "--history", "100", "--success")

    assert "ArgumentValidationError" in lines[-1]
    assert not [line for line in lines if "_system" in line]


def test_documents_are_imported_from_every_format(cli: Cli) -> None:
    lines = cli.write("lines.jsonl", '{"n": 1}\n{"n": 2}\n')
    array = cli.write("array.json", '[{"n": 3}]')
    sheet = cli.write("sheet.csv", "n\n4\n")

    cli.says("import", "--table", "numbers", lines)
    cli.says("import", "--table", "numbers", "--append", array)
    assert cli.documents("numbers") == [{"n": 1}, {"n": 2}, {"n": 3}]
    cli.says("import", "--table", "numbers", "--replace", "--yes", sheet)
    assert cli.documents("numbers") == [{"n": 4}]


def test_an_import_that_does_not_fit_changes_nothing(cli: Cli) -> None:
    name = cli.write("users.jsonl", '{"name": 5, "token_identifier": "import"}\n')

    said = cli.fails("import", "--table", "users", "--append", name)

    assert 'does not match the schema of table "users"' in said
    assert "import" not in [each["token_identifier"] for each in cli.documents("users")]


def test_an_export_is_a_zip_file_that_can_be_imported(cli: Cli) -> None:
    target = cli.folder / "snapshot.zip"
    cli.says("import", "--table", "kept", cli.write("kept.jsonl", '{"is": "kept"}\n'))
    cli.says("export", "--path", str(target))
    before = cli.documents("kept")
    cli.says("import", "--table", "kept", "--append", cli.write("more.jsonl", '{"is": "new"}\n'))
    cli.says("import", "--replace-all", "--yes", target.name)

    with zipfile.ZipFile(target) as archive:
        assert archive.read("kept/documents.jsonl").count(b"\n") == 1
    assert cli.documents("kept") == before == [{"is": "kept"}]
