"""A server with functions in TypeScript: those of ``bench_convex``, pushed by the official CLI.

What is counted is the server and the processes that it started. The packages of
``fixtures/convex-chat`` must be installed (``make install-node``).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import orjson

from benchmarks.http_client import open_http_client
from benchmarks.load import Loader
from benchmarks.server_under_test import ROOT, ServerProcess, free_port, serve_command
from benchmarks.workload import ACCOUNTS_COUNT, MUTATION_ROUTE, QUERY_ROUTE, add_accounts

PROJECT = ROOT / "benchmarks" / "bench_convex"
PACKAGES = ROOT / "fixtures" / "convex-chat" / "node_modules"
FIFTY = b"ledgers:fifty"
PUSH_SECONDS_MAX = 120.0
_ADMIN_KEY = re.compile(r"[A-Za-z0-9_-]+\|[A-Za-z0-9_-]{16,}")


class JavaScriptServer(ServerProcess):
    """A server, together with its processes of JavaScript."""

    def cpu_s(self) -> float:
        """Return the CPU time of the server and of its processes that run now, in seconds."""
        total_s = super().cpu_s()
        for pid in self.host_pids():
            with suppress(OSError):  # It has ended meanwhile.
                total_s += time.clock_gettime((~pid << 3) | 2)
        return total_s

    def host_pids(self) -> list[int]:
        """Return the processes that the server has started and that run."""
        found: list[int] = []
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):  # The thread has ended meanwhile.
                found += map(int, (task / "children").read_text().split())
        return found

    def host_memory_mb(self) -> list[tuple[float, float]]:
        """Return of each of them the resident memory, and its share where memory is shared."""
        return [(_memory_mb(pid, "Rss:"), _memory_mb(pid, "Pss:")) for pid in self.host_pids()]


def start_javascript_server(folder: Path) -> JavaScriptServer:
    """Serve the file in ``folder``, with the Python app beside it."""
    port = free_port()
    command = serve_command(folder / "bench.db", port)
    return JavaScriptServer(command, port, folder / "output")


@contextmanager
def pushed_folder() -> Iterator[Path]:
    """Lend a folder with a file that has the project's code and a thousand ledgers in it."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        folder = Path(name)
        server = start_javascript_server(folder)
        try:
            push_project(server, folder)
        finally:
            server.stop()
        yield folder


@contextmanager
def javascript_server(load: Loader) -> Iterator[JavaScriptServer]:
    """Lend a server of both apps with their accounts and ledgers, on a new file."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        folder = Path(name)
        server = start_javascript_server(folder)
        try:
            push_project(server, folder)
            add_accounts(load, server.port)
            load.run(partial(_add_ledgers, load, server.port))
            yield server
        finally:
            server.stop()


def push_project(server: JavaScriptServer, folder: Path) -> None:
    """Push the project, as a user would.

    Raises:
        RuntimeError: the CLI failed; the message is what it said.
    """
    project = folder / "project"
    shutil.copytree(PROJECT, project)
    (project / "node_modules").symlink_to(PACKAGES)
    found = _ADMIN_KEY.search((folder / "output").read_text())
    if found is None:
        raise RuntimeError("the server showed no admin key")
    key = found.group()
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("CONVEX_")}
    address = {
        "CONVEX_SELF_HOSTED_URL": f"http://127.0.0.1:{server.port}",
        "CONVEX_SELF_HOSTED_ADMIN_KEY": key,
    }
    program = str(PACKAGES / "convex" / "bin" / "main.js")
    done = subprocess.run(
        ["node", program, "dev", "--once", "--tail-logs", "disable", "--typecheck", "disable"],
        cwd=project,
        env={**inherited, **address},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PUSH_SECONDS_MAX,
    )
    if done.returncode:
        raise RuntimeError(f"the push failed:\n{done.stdout}{done.stderr}")


async def first_answer(load: Loader, port: int) -> bytes:
    """Call a query in TypeScript on a new connection."""
    client = await open_http_client(port, load.failed)
    answer = await client.ask(QUERY_ROUTE, FIFTY, orjson.dumps({"start": "", "round": 0}))
    client.close()
    return answer


async def _add_ledgers(load: Loader, port: int) -> None:
    client = await open_http_client(port, load.failed)
    args = orjson.dumps({"start": 0, "end": ACCOUNTS_COUNT})
    await client.ask(MUTATION_ROUTE, b"ledgers:fill", args)
    client.close()


def _memory_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has no {name}")


assert sys.platform == "linux", "processes are measured as Linux tells of them"
