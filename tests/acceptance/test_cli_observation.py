"""``livefile env``, ``livefile logs`` and the log of ``livefile serve``, as processes."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cli_process import (
    RunningCommand,
    livefile,
    wait_for_text,
)
from tests.acceptance.serve_process import ServeProcess
from tests.app_folder import write_app

BOT = """
    from livefile import *

    @query
    def greeting(ctx: QueryCtx) -> str:
        return ctx.env.get("GREETING", "Hello")

    @mutation
    def shout(ctx: MutationCtx, text: str) -> None:
        print(text)

    @query
    def fail(ctx: QueryCtx) -> None:
        raise ValueError("why it failed")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path, {"bot": BOT}, name="bot")


@pytest.fixture
def server(app: Path, tmp_path: Path) -> Iterator[ServeProcess]:
    with ServeProcess(app, tmp_path / "bot.db") as process:
        yield process


def test_variables_of_a_file_that_is_served(server: ServeProcess, tmp_path: Path) -> None:
    assert server.call("query", "bot:greeting", {}) == "Hello"
    done = livefile("env", "set", "GREETING", "Ahoy", "--db", "bot.db", folder=tmp_path)
    assert done.returncode == 0, done.stderr

    assert server.call("query", "bot:greeting", {}) == "Ahoy"
    told = livefile("env", "get", "GREETING", "--db", "bot.db", folder=tmp_path)
    assert told.stdout == "Ahoy\n"
    assert "Ahoy" not in server.output.read_text()


def test_logs_show_calls_and_all_of_an_error(server: ServeProcess, tmp_path: Path) -> None:
    server.call("mutation", "bot:shout", {"text": "\x1b[2Jhidden"})
    server.call("query", "bot:fail", {})
    shown = livefile("logs", "--db", "bot.db", folder=tmp_path)
    told = livefile("logs", "--db", "bot.db", "--json", folder=tmp_path)

    assert shown.returncode == 0, shown.stderr
    assert "mutation bot:shout" in shown.stdout
    assert r"[LOG] \x1b[2Jhidden" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "Uncaught ValueError: why it failed" in shown.stdout
    entries = [json.loads(line) for line in told.stdout.splitlines()]
    assert [entry["identifier"] for entry in entries] == ["bot:shout", "bot:fail"]


def test_logs_follow(server: ServeProcess, tmp_path: Path) -> None:
    server.call("query", "bot:greeting", {})
    output = tmp_path / "logs.txt"
    with RunningCommand(["logs", "--follow", "--db", "bot.db"], tmp_path, output) as following:
        following.wait_for_output("bot:greeting")
        server.call("mutation", "bot:shout", {"text": "here I am"})

        assert "[LOG] here I am" in following.wait_for_output("here I am")


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    reason="these tests run in the background, where commands do not hear Ctrl-C",
)
def test_ctrl_c_is_the_way_to_end_following(server: ServeProcess, tmp_path: Path) -> None:
    server.call("query", "bot:greeting", {})
    output = tmp_path / "logs.txt"
    with RunningCommand(["logs", "--follow", "--db", "bot.db"], tmp_path, output) as following:
        following.wait_for_output("bot:greeting")

        assert following.end(signal.SIGINT) == 0
        assert "Abort" not in output.read_text()


def test_clients_of_a_served_app_do_not_get_texts_of_failures(
    server: ServeProcess, tmp_path: Path
) -> None:
    public = livefile("run", "bot:fail", "--url", server._url, folder=tmp_path)

    assert public.returncode == 1
    assert "Server Error" in public.stderr
    assert "why it failed" not in public.stderr


def test_a_log_in_json_is_json_on_every_line(app: Path, tmp_path: Path) -> None:
    variables = {"LIVEFILE_LOG_FORMAT": "json"}
    with ServeProcess(app, tmp_path / "bot.db", variables) as process:
        process.call("mutation", "bot:shout", {"text": "two\nlines"})
        process.call("query", "bot:fail", {})

        def json_lines() -> str:
            lines = process.output.read_text().splitlines()
            return "\n".join(line for line in lines if line.startswith("{"))

        entries = [json.loads(line) for line in wait_for_text(json_lines, "bot:fail").splitlines()]

    assert [entry["identifier"] for entry in entries] == ["bot:shout", "bot:fail"]
    assert entries[0]["logLines"] == ["[LOG] two\nlines"]
    assert "why it failed" in entries[1]["error"]
