"""Queries and mutations cannot reach outside; what tries it hears why and what to do."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import Livefile, SealedError
from tests.app_folder import write_app
from tests.stepped_app import SteppedApp, message_of, value_of

ATTEMPTS = """
    import asyncio
    import builtins
    import ctypes.util
    import glob
    import http.client
    import io
    import linecache
    import logging
    import os
    import pathlib
    import shutil
    import socket
    import sqlite3
    import subprocess
    import tempfile
    import threading
    import time
    import traceback
    import urllib.request
    from concurrent.futures import ThreadPoolExecutor
    from time import sleep
    from livefile import *

    log = logging.getLogger(__name__)

    @query
    def attempt_query(ctx: QueryCtx, code: str) -> str:
        return str(eval(code))

    @mutation
    def attempt_mutation(ctx: MutationCtx, code: str) -> str:
        ctx.db.table("attempts").insert({"code": code})
        return str(eval(code))

    @mutation
    def attempt_nested(ctx: MutationCtx, code: str) -> str:
        return ctx.run_query(attempt_query, code=code)

    @action
    async def attempt_action(ctx: ActionCtx, code: str) -> str:
        return str(eval(code))

    @query
    def show_a_traceback(ctx: QueryCtx) -> str:
        linecache.clearcache()
        try:
            raise KeyError("inner")
        except KeyError:
            log.exception("logged")
            return traceback.format_exc()

    @query
    def count(ctx: QueryCtx) -> int:
        return len(ctx.db.table("attempts").query().collect())
"""

OUTSIDE = [
    "time.sleep(0)",
    "sleep(0)",
    "open('/etc/hostname')",
    "io.open('/etc/hostname')",
    "os.open('/etc/hostname', os.O_RDONLY)",
    "pathlib.Path('/etc/hostname').read_text()",
    "pathlib.Path('/tmp/livefile-attempt').write_text('')",
    "os.listdir('/')",
    "list(os.scandir('/'))",
    "list(os.walk('/'))",
    "glob.glob('/*')",
    "os.mkdir('/tmp/livefile-attempt')",
    "os.remove('/tmp/livefile-attempt')",
    "os.rename('/tmp/livefile-attempt', '/tmp/livefile-attempt-2')",
    "os.environ.update(LIVEFILE_ATTEMPT='1')",
    "os.chdir('/')",
    "os.kill(os.getpid(), 0)",
    "os.system('true')",
    "os.popen('true')",
    "os.fork()",
    "subprocess.run(['true'])",
    "subprocess.Popen(['true'])",
    "socket.create_connection(('127.0.0.1', 9))",
    "socket.socket()",
    "socket.gethostbyname('localhost')",
    "http.client.HTTPConnection('127.0.0.1', 9).connect()",
    "urllib.request.urlopen('http://127.0.0.1:9/')",
    "threading.Thread(target=print).start()",
    "ThreadPoolExecutor(1).submit(print)",
    "tempfile.mkdtemp()",
    "tempfile.TemporaryFile()",
    "shutil.copy('/etc/hostname', '/tmp/livefile-attempt')",
    "shutil.rmtree('/tmp/livefile-attempt')",
    "sqlite3.connect(':memory:')",
    "input()",
]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path_factory.mktemp("sealed"), {"attempts": ATTEMPTS}) as stepped:
        yield stepped


@pytest.mark.parametrize("code", OUTSIDE)
@pytest.mark.parametrize("kind", ["query", "mutation", "nested"])
def test_reaching_outside_is_refused_with_the_name_of_the_function(
    sealed: SteppedApp, kind: str, code: str
) -> None:
    path = f"attempts:attempt_{kind}"
    run = sealed.query if kind == "query" else sealed.mutate
    text = message_of(run(path, code=code))

    assert text.startswith(f"Uncaught SealedError: {path} ")
    assert "a query or mutation must not reach outside or wait; use an action" in text
    assert f"at attempt_{kind.replace('nested', 'query')} (attempts.py:" in text


def test_a_mutation_that_was_refused_wrote_nothing(sealed: SteppedApp) -> None:
    sealed.mutate("attempts:attempt_mutation", code="open('/etc/hostname')")

    assert value_of(sealed.query("attempts:count")) == 0


@pytest.mark.parametrize(
    "code",
    [
        "os.environ.get('HOME')",
        "os.path.join('a', 'b')",
        "io.StringIO('x').read()",
        "pathlib.Path('/a/b').name",
        "os.getpid() > 0",
        "time.strftime('%Y', (2024, 1, 1, 0, 0, 0, 0, 1, 0))",
    ],
)
def test_what_stays_inside_is_allowed(sealed: SteppedApp, code: str) -> None:
    assert value_of(sealed.query("attempts:attempt_query", code=code)) is not None


@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/hostname').close()",
        "os.listdir('/')",
        "time.sleep(0)",
        "sleep(0)",
        "subprocess.run(['true'])",
        "socket.socket().close()",
        "list(os.scandir('/')) != []",
    ],
)
def test_actions_reach_wherever_they_like(sealed: SteppedApp, code: str) -> None:
    assert sealed.livefile.action("attempts:attempt_action", code=code) is not None


def test_the_process_itself_is_not_sealed(sealed: SteppedApp, tmp_path: Path) -> None:
    sealed.query("attempts:attempt_query", code="open('/etc/hostname')")
    (tmp_path / "file").write_text("written")
    thread = threading.Thread(target=(tmp_path / "file").read_text)
    thread.start()
    thread.join()

    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_function_may_show_its_own_traceback(sealed: SteppedApp) -> None:
    outcome = sealed.query("attempts:show_a_traceback")

    assert 'raise KeyError("inner")' in value_of(outcome)
    assert outcome.log_lines[0].startswith("[ERROR] logged\nTraceback")
    assert 'raise KeyError("inner")' in outcome.log_lines[0]


def test_a_library_call_from_python_raises_the_refusal(tmp_path: Path) -> None:
    with (
        Livefile.open(":memory:", write_app(tmp_path, {"attempts": ATTEMPTS})) as livefile,
        pytest.raises(SealedError, match="attempts:attempt_query opens '/etc/hostname'"),
    ):
        livefile.query("attempts:attempt_query", code="open('/etc/hostname')")
