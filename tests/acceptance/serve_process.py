"""``livefile serve`` in a process of its own, as somebody runs it for others to use.

Not here: ``livefile dev`` (``server_process.py``).
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from tests.acceptance.server_process import POLL_SECONDS, ROOT, START_SECONDS_MAX, free_port

_SOURCE_ROOTS = os.pathsep.join([str(ROOT / "engine"), str(ROOT / "server")])


class ServeProcess:
    """One server on 127.0.0.1. A context manager: it is killed at the end, if it still runs."""

    def __init__(
        self, app: Path, database: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        self.output = database.with_name("output.txt")
        command = [sys.executable, "-m", "livefile_server.cli.main", "serve", str(database)]
        command += ["--app", str(app), "--port", str(port)]
        # What the person at this machine has set for their own deployment must not matter.
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith("LIVEFILE_")
        }
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**inherited, "PYTHONPATH": _SOURCE_ROOTS, **(environment or {})},
                start_new_session=True,
            )

    def __enter__(self) -> "ServeProcess":
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output.read_text()
            with suppress(OSError), urllib.request.urlopen(f"{self._url}/version", timeout=1):
                return self
            time.sleep(POLL_SECONDS)
        self.process.kill()
        raise TimeoutError(self.output.read_text())

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def call(self, kind: str, path: str, args: Mapping[str, object]) -> object | None:
        """Return the value of a function, None if there was no answer or one of failure."""
        body = json.dumps({"path": path, "args": args, "format": "json"}).encode()
        request = urllib.request.Request(f"{self._url}/api/{kind}", data=body, method="POST")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS_MAX) as response:
                answer = json.loads(response.read())
        except (urllib.error.URLError, HTTPException, OSError):
            return None
        value: object = answer["value"] if answer["status"] == "success" else None
        return value
