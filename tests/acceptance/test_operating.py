"""``livefile serve`` as an operator runs it: its files, its second port, and how it ends."""

import http.client
import re
import signal
import socket
import stat
import threading
from pathlib import Path

import pytest

from tests.acceptance.cli_process import RunningCommand, livefile
from tests.acceptance.conftest import copy_app
from tests.app_folder import write_app

WAIT_S = 30

SITE = """
    import asyncio
    import sys
    from livefile import *

    http = HttpRouter()

    class Note(Table, name="notes"):
        text: str

    @mutation
    def write(ctx: MutationCtx, text: str) -> None:
        ctx.db.insert(Note(text=text))

    @http.get("/hello")
    async def hello(ctx: HttpActionCtx, request: Request) -> Response:
        return Response(request.url)

    @action
    async def hold(ctx: ActionCtx) -> None:
        sys.stderr.write("held\\n")
        await asyncio.Event().wait()
"""


def serve(folder: Path, *options: str) -> RunningCommand:
    """Start ``livefile serve`` on ``folder / "data" / "site.db"`` and free ports."""
    app = write_app(folder, {"http": SITE}, "hooks")
    words = ["serve", str(folder / "data" / "site.db"), "--app", str(app), "--port", "0", *options]
    return RunningCommand(words, folder, folder / "output.txt")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    return folder


def address(output: str, what: str) -> tuple[str, int]:
    found = re.search(rf"{what} at http://(\S+):(\d+)", output)
    assert found is not None, output
    return found[1], int(found[2])


def ask(at: tuple[str, int], method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*at, timeout=WAIT_S)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_every_file_is_for_its_owner_only(data: Path, tmp_path: Path) -> None:
    with serve(tmp_path) as running:
        main = address(running.wait_for_output("HTTP actions at"), r"site\.db")
        body = '{"path": "http:write", "args": {"text": "kept"}}'
        assert ask(main, "POST", "/api/mutation", body)[0] == 200
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in data.iterdir()}
        assert running.end(signal.SIGTERM) == 0

    assert {"site.db", "site.db-wal", "site.db-shm", "site.db.lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((data / "site.db").stat().st_mode) == 0o600


def test_a_folder_in_which_everybody_may_write_is_refused(data: Path, tmp_path: Path) -> None:
    data.chmod(0o777)
    app = copy_app("conformance", tmp_path)

    done = livefile(
        "serve", str(data / "site.db"), "--app", str(app), "--port", "0", folder=tmp_path
    )

    assert done.returncode == 2
    assert f"everybody may write into the folder {data} (mode 777)" in done.stderr
    assert not list(data.iterdir())


def test_http_actions_have_a_port_of_their_own(data: Path, tmp_path: Path) -> None:
    with serve(tmp_path) as running:
        output = running.wait_for_output("HTTP actions at")
        main, site = address(output, r"site\.db"), address(output, "HTTP actions")

        assert site[1] != main[1]
        assert ask(site, "GET", "/hello") == (200, f"http://{site[0]}:{site[1]}/hello".encode())
        assert ask(main, "GET", "/http/hello")[0] == 200
        assert running.end(signal.SIGTERM) == 0


def test_a_second_port_that_is_taken_is_an_error_only_if_it_was_asked_for(
    data: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ["serve", str(data / "site.db"), "--app", str(copy_app("conformance", tmp_path))]
        done = livefile(*words, "--port", "0", "--site-port", str(port), folder=tmp_path)

    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in done.stderr
    assert "--site-port" in done.stderr


def test_without_the_second_port_http_actions_are_below_the_first(
    data: Path, tmp_path: Path
) -> None:
    with serve(tmp_path, "--site-port", "0") as running:
        output = running.wait_for_output("HTTP actions at")
        main = address(output, r"site\.db")

        assert f"HTTP actions at http://{main[0]}:{main[1]}/http" in output
        assert running.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_clients_that_hold_on_do_not_keep_it_from_ending(data: Path, tmp_path: Path) -> None:
    with serve(tmp_path) as running:
        main = address(running.wait_for_output("HTTP actions at"), r"site\.db")
        head = "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        answers: list[tuple[int, bytes]] = []
        body = '{"path": "http:hold", "args": {}}'
        holding = threading.Thread(
            target=lambda: answers.append(ask(main, "POST", "/api/action", body))
        )
        holding.start()
        running.wait_for_output("held")
        with socket.create_connection(main, timeout=WAIT_S) as connection:
            connection.sendall(f"{head}Content-Length: 9\r\n\r\n{{".encode())
            assert ask(main, "GET", "/api/health")[0] == 200
            assert running.end(signal.SIGTERM, WAIT_S) == 0
        holding.join(WAIT_S)

    assert [status for status, _ in answers] == [408]
    assert [file.name for file in data.iterdir()] == ["site.db"]
