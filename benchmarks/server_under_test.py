"""A server in a process of its own: the CPU time that it used, and the memory that it holds.

Not here: what loads it (``load.py``).
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measurement import Sample

ROOT = Path(__file__).resolve().parents[1]
BENCH_APP = ROOT / "benchmarks" / "bench_app"
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 20.0
KEPT_VARIABLE = "BENCHMARKS_KEEP"  # The settings that a comparison is about, see ``compare.py``.
_POLL_SECONDS = 0.001


class ServerProcess:
    """A running server that answers on ``port`` of this machine."""

    def __init__(self, command: Sequence[str], port: int, output: Path) -> None:
        """Start ``command`` and wait until something listens on ``port``.

        Raises:
            RuntimeError: it ended, or took too long; the message has its output.
        """
        self.port = port
        self._output = output
        # What the person at this machine has set for their own deployment must not matter.
        kept = os.environ.get(KEPT_VARIABLE, "").split(",")
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("LIVEFILE_") or name in kept
        }
        roots = [str(ROOT / "engine"), str(ROOT / "server"), str(ROOT)]
        environment["PYTHONPATH"] = os.pathsep.join(roots)
        # An installed server finds its modules compiled, so this one must, from its second start.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        with output.open("ab") as file:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    @property
    def pid(self) -> int:
        """The process, for a profiler."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Return the CPU time of all its threads so far, in seconds."""
        # The number of another process's CPU clock, as clock_getcpuclockid(3) makes it on Linux.
        # Its resolution is a nanosecond, where /proc/PID/stat counts in hundredths of a second.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def memory_mb(self) -> float:
        """Return its resident memory, in millions of bytes."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError(f"process {self._process.pid} has no memory: it ended")

    def stop(self) -> None:
        """End it, gracefully if it can."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self._output.read_text()}")
            time.sleep(_POLL_SECONDS)


def serve_command(database: Path, port: int) -> list[str]:
    """Return the command line that serves the app under test, as a user would start it."""
    command = [sys.executable, "-m", "livefile_server.cli.main", "serve", str(database)]
    return [*command, "--app", str(BENCH_APP), "--port", str(port)]


def measure_start(database: Path) -> Sample:
    """Serve a file of the app under test until the first answer, and see how long that took."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        port = free_port()
        started_s = time.perf_counter()
        server = ServerProcess(serve_command(database, port), port, Path(name) / "output")
        duration_s = time.perf_counter() - started_s
        try:
            return {"duration_ms": [duration_s * 1e3], "cpu_ms": [server.cpu_s() * 1e3]}
        finally:
            server.stop()


@contextmanager
def server_under_test() -> Iterator[ServerProcess]:
    """Lend a server of the app under test on a new file, in the folder for temporary files."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        folder, port = Path(name), free_port()
        server = ServerProcess(serve_command(folder / "bench.db", port), port, folder / "output")
        try:
            yield server
        finally:
            server.stop()


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    """Tell whether a server answers its first request. The socket alone may be there earlier."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            probe.sendall(b"GET /version HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            return probe.recv(16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
