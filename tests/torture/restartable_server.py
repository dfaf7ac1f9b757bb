"""A server of the torture app that can die and come back: as a process, or inside of this one.

The process is killed as by a power cut. The one in this process, into which bugs can be planted,
is stopped and its file is opened anew.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from livefile import App, Livefile
from tests.acceptance.server_process import ServerProcess
from tests.server.running_server import run_in_background
from tests.torture.arena import TORTURE_APP


class RestartableServer(Protocol):
    """Where it listens may change with every restart."""

    @property
    def port(self) -> int: ...

    def restart(self) -> None: ...


class ServerInside:
    """A server on a thread of this process."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "inside.db"
        self._app = App.load(TORTURE_APP)
        self._running = ExitStack()
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    def restart(self) -> None:
        self.close()
        livefile = self._running.enter_context(Livefile.open(self._file, app=self._app))
        self._port = self._running.enter_context(run_in_background(livefile)).port

    def close(self) -> None:
        self._running.close()


@contextmanager
def server_inside(folder: Path) -> Iterator[RestartableServer]:
    """Lend a server in this process."""
    server = ServerInside(folder)
    server.restart()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def server_outside(folder: Path) -> Iterator[RestartableServer]:
    """Lend a server in a process of its own, which is killed at every restart."""
    app = folder / "app"
    shutil.copytree(
        TORTURE_APP, app / TORTURE_APP.name, ignore=shutil.ignore_patterns("__pycache__")
    )
    with ServerProcess(app, folder) as server:
        yield server
