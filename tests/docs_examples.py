"""Examples in the documentation: how they are found, and how they are run.

A page is run from top to bottom in one empty folder. What its fenced blocks mean:

* ``python`` whose first line is a comment that names a file (``# chat/schema.py``): that file is
  written. Every other ``python`` block is run; all of a page share their names.
* ``console``: each line that begins with ``$`` is a command. ``livefile``, ``python`` and simple
  file commands are run and must succeed; the lines under one are its output, where ``...`` stands
  for anything. ``livefile dev`` and ``livefile serve`` keep running until the page ends or the
  next of them starts. Commands that set a machine up (``pip``, ``npm``, ``make``) are left out.
* a block marked ``no-run`` after its language is shown only.

Port 3210 is replaced by a free one. Run as a program, this module takes a list of steps as JSON
and the number of that port; the tests start it so, that no example can touch another.
"""

import doctest
import json
import linecache
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import types
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

DEFAULT_PORT = "3210"
START_SECONDS_MAX = 30
COMMAND_SECONDS_MAX = 60

RUN_COMMANDS = frozenset({"livefile", "python", "cd", "mkdir", "ls", "cat", "cp", "rm", "curl"})
SHOWN_COMMANDS = frozenset(
    {"pip", "npm", "npx", "make", "git", "uv", "uvx", "source", "apt-get", "open", "node"}
)

FENCE = re.compile(r"^( *)```([\w-]+)([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"^# ([\w./-]+\.py)\b")


@dataclass(frozen=True, slots=True)
class Example:
    """One block to run: ``place`` is ``page:line`` of its first line of text."""

    place: str
    language: str
    text: str


class ExampleError(Exception):
    """An example that does not do what the page says."""


def examples(page: str, markdown: str) -> Iterator[Example]:
    """Yield the blocks of a page that are to be run, in order."""
    for fence in FENCE.finditer(markdown):
        language, options = fence[2], fence[3].split()
        if language in {"python", "console"} and "no-run" not in options:
            line = markdown.count("\n", 0, fence.start()) + 2
            yield Example(f"{page}:{line}", language, textwrap.dedent(fence[4]))


def run_page(steps: Sequence[Example], folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    """Run the examples of one page in ``folder``, in a process of their own."""
    argv = [sys.executable, __file__, str(port)]
    given = json.dumps([asdict(step) for step in steps])
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            seconds_max = len(steps) * COMMAND_SECONDS_MAX + START_SECONDS_MAX
            output, errors = process.communicate(given, timeout=seconds_max)
        except BaseException:
            # The whole session, so that no server of an example is left behind.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(argv, process.returncode, output, errors)


class PageRun:
    """The state of a page while it runs: the names so far, the folder, the server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        # Its own `__main__`, so that types are looked up among the names of the page.
        self.module = types.ModuleType("__main__")
        self.server: subprocess.Popen[bytes] | None = None
        self.console = ""

    def run(self, example: Example) -> None:
        """Run one block."""
        text = example.text.replace(DEFAULT_PORT, str(self.port))
        name = FILE_NAME.match(text)
        if example.language == "console":
            for command, wanted in commands(text):
                self._command(command, wanted)
        elif name:
            file = self.folder / name[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        else:
            linecache.cache[example.place] = (len(text), None, text.splitlines(True), example.place)
            exec(compile(text, example.place, "exec"), self.module.__dict__)

    def _command(self, line: str, wanted: str) -> None:
        words = shlex.split(line, comments=True)
        if words[0] in SHOWN_COMMANDS:
            return
        if words[0] not in RUN_COMMANDS:
            raise ExampleError(f"$ {line}: mark the block no-run, or name the command here")
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve()
            return
        argv = _argv(words)
        if words[:2] in (["livefile", "dev"], ["livefile", "serve"]) and "--once" not in words:
            self._start(argv, wanted)
            return
        done = subprocess.run(
            argv,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode:
            raise ExampleError(f"$ {line}: exit code {done.returncode}\n{done.stdout}")
        _compare(line, wanted, done.stdout)

    def _start(self, argv: list[str], wanted: str) -> None:
        self.close()
        log = self.folder / "server.log"
        with log.open("wb") as output:
            self.server = subprocess.Popen(
                argv, cwd=self.folder, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _answers(self.port):
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise ExampleError(f"{shlex.join(argv)} serves nothing\n{log.read_text()}")
            time.sleep(0.05)
        _compare(shlex.join(argv), wanted, log.read_text(encoding="utf-8"))

    def close(self) -> None:
        """End the server that a command of the page started."""
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(START_SECONDS_MAX)
            self.server = None


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that is shown under it."""
    command = ""
    output: list[str] = []
    for line in text.splitlines():
        if command.endswith("\\"):
            command = command[:-1] + line.strip()
        elif line.startswith("$ "):
            if command:
                yield command, "\n".join(output)
            command, output = line[2:], []
        else:
            output.append(line)
    if command:
        yield command, "\n".join(output)


def _argv(words: list[str]) -> list[str]:
    if words[0] == "livefile":
        return [str(Path(sys.executable).parent / "livefile"), *words[1:]]
    if words[0] == "python":
        return [sys.executable, *words[1:]]
    found = shutil.which(words[0])
    if found is None:
        raise ExampleError(f"{words[0]} is not installed here")
    return [found, *words[1:]]


def _compare(line: str, wanted: str, got: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if wanted.strip() and not doctest.OutputChecker().check_output(wanted, got, flags):
        raise ExampleError(f"$ {line}: the page shows\n{wanted}\nbut it printed\n{got}")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/version", timeout=1):
            return True
    except OSError:
        return False


def main() -> int:
    """Run the steps given on standard input; say on standard error which one failed."""
    steps = [Example(**step) for step in json.load(sys.stdin)]
    page = PageRun(Path.cwd(), int(sys.argv[1]))
    sys.path[0] = str(Path.cwd())  # Instead of the folder of this file.
    sys.modules["__main__"] = page.module
    place = ""
    try:
        for step in steps:
            place = step.place
            page.run(step)
    except BaseException:
        sys.stderr.write(f"the example at {place} failed\n")
        raise
    finally:
        page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
