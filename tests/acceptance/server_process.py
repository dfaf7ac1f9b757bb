"""A deployment in a process of its own, as a user starts it from a shell.

Tests kill it, stop it and start it again on the same port and file, and ask it over HTTP.

Not here: clients (``browser.py``, ``node_client.py``, ``wire_socket.py``).
"""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 10.0
END_SECONDS_MAX = 30.0
REQUEST_SECONDS_MAX = 30.0
POLL_SECONDS = 0.02
PORTS = range(20_000, 32_000)
# The admin key is shown once, at the first start: `<instance name>|<secret>`.
ADMIN_KEY = re.compile(r"[A-Za-z0-9_-]+\|[A-Za-z0-9_-]{16,}")


class ServerProcess:
    """One server on 127.0.0.1. ``folder`` keeps its file and its output.

    Without ``app`` it has no Python part, as ``livefile dev`` in a folder without an app.
    """

    def __init__(self, app: Path | None, folder: Path, options: Sequence[str] = ()) -> None:
        self.app = folder if app is None else app
        self.database = folder / "deployment.db"
        self.output = folder / "output.txt"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start the process and wait until it answers."""
        assert self._process is None, "the server runs already"
        command = [sys.executable, "-m", "livefile_server.cli.main", "dev", str(self.app)]
        command += ["--db", str(self.database), "--port", str(self.port), *self._options]
        source_roots = os.pathsep.join([str(ROOT / "engine"), str(ROOT / "server")])
        # What the person at this machine has set for their own deployment must not matter.
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith("LIVEFILE_")
        }
        environment = {**inherited, "PYTHONPATH": source_roots, "PYTHONUNBUFFERED": "1"}
        # Its neighbour may be the port that another test has chosen.
        environment["LIVEFILE_SITE_PORT"] = "0"
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.database.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # A Ctrl-C at the terminal is for pytest alone.
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End the process as a power cut would; nothing happens if it is not running."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wait_for_end(self) -> int:
        """Wait until the process ends by itself, and return its exit code."""
        assert self._process is not None, "the server does not run"
        code = self._process.wait(timeout=END_SECONDS_MAX)
        self._process = None
        return code

    def stop(self) -> None:
        """Ask the process to end, and check that it does so properly."""
        assert self._process is not None, "the server does not run"
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=STOP_SECONDS_MAX)
        self._process = None
        assert code == 0, f"the server ended with {code}:\n{self.read_output()}"

    def restart(self) -> None:
        """Kill the process and start it again on the same port and file."""
        self.kill()
        self.start()

    def read_output(self) -> str:
        """Return everything that the process has printed, over all its starts."""
        return self.output.read_text(errors="replace")

    @property
    def admin_key(self) -> str:
        """The key that the first start showed."""
        found = ADMIN_KEY.search(self.read_output())
        assert found is not None, f"no admin key in the output:\n{self.read_output()}"
        return found.group()

    def query(self, path: str, args: Mapping[str, object]) -> Any:
        """Return the value of a query over HTTP, in the lossy ``json`` format."""
        return self._call("query", path, args)

    def wait_for_value(self, path: str, args: Mapping[str, object], value: object) -> None:
        """Wait until a query over HTTP returns ``value``."""
        deadline = time.monotonic() + REQUEST_SECONDS_MAX
        while (found := self.query(path, args)) != value:
            assert time.monotonic() < deadline, f"{path} is {found!r}, not {value!r}"
            time.sleep(POLL_SECONDS)

    def mutation(self, path: str, args: Mapping[str, object]) -> Any:
        """Return the value of a mutation over HTTP, in the lossy ``json`` format."""
        return self._call("mutation", path, args)

    def _call(self, kind: str, path: str, args: Mapping[str, object]) -> Any:
        status, answer = self.post(f"/api/{kind}", {"path": path, "args": args, "format": "json"})
        assert status == 200, answer
        assert answer["status"] == "success", answer
        return answer["value"]

    def post(
        self, route: str, body: object, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return the status and the decoded JSON of a POST."""
        status, text = self.post_raw(route, json.dumps(body).encode(), headers)
        return status, json.loads(text)

    def post_raw(
        self, route: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Return the status and the text of a POST of any bytes."""
        request = urllib.request.Request(self.url + route, data=body, method="POST")
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS_MAX) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            code = self._process.poll()
            assert code is None, f"the server ended with {code}:\n{self.read_output()}"
            try:
                with urllib.request.urlopen(f"{self.url}/version", timeout=1):
                    return
            except OSError:
                time.sleep(POLL_SECONDS)
        raise TimeoutError(f"no answer in {START_SECONDS_MAX} s:\n{self.read_output()}")


def free_port() -> int:
    """Return a port that nobody listens on at this moment.

    It lies below those that systems give to outgoing connections: while a killed server is down,
    no connection of another program can take its port, nor can its own client's.
    """
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port in {PORTS}")
