"""The command line as a user runs it: a process, its output, its exit code.

Not here: a server that the tests of clients talk to (``server_process.py``).
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from tests.acceptance.server_process import POLL_SECONDS, ROOT, STOP_SECONDS_MAX

COMMAND_SECONDS_MAX = 60.0
WAIT_SECONDS_MAX = 30.0


def command_line(*words: str) -> list[str]:
    """Return the arguments that run ``livefile`` from this checkout."""
    return [sys.executable, "-m", "livefile_server.cli.main", *words]


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without options of Livefile, and with ``variables``."""
    source_roots = os.pathsep.join([str(ROOT / "engine"), str(ROOT / "server")])
    clean = {name: text for name, text in os.environ.items() if not name.startswith("LIVEFILE_")}
    return {**clean, "PYTHONPATH": source_roots, "PYTHONUNBUFFERED": "1", **(variables or {})}


def livefile(
    *words: str, folder: Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end in ``folder``."""
    return subprocess.run(
        command_line(*words),
        cwd=folder,
        env=environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )


class RunningCommand(AbstractContextManager["RunningCommand"]):
    """A command that runs until it is told to end; its output goes to ``output``."""

    def __init__(self, words: Sequence[str], folder: Path, output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                command_line(*words),
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def end(self, signal_number: int, seconds_max: float = STOP_SECONDS_MAX) -> int:
        """Send a signal and return the exit code."""
        self._process.send_signal(signal_number)
        return self._process.wait(timeout=seconds_max)

    def wait_for_output(self, text: str) -> str:
        """Wait until ``text`` is in the output and return all of it."""
        return wait_for_text(self._read, text, is_alive=lambda: self._process.poll() is None)

    def _read(self) -> str:
        return self._output.read_text(errors="replace")


def wait_for_text(
    read: Callable[[], str], text: str, is_alive: Callable[[], bool] = lambda: True
) -> str:
    """Poll ``read`` until ``text`` is in what it returns, and return that."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        was_alive = is_alive()
        if text in (output := read()):
            return output
        assert was_alive, f"the process ended; its output:\n{output}"
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{text!r} is not in the output:\n{read()}")
