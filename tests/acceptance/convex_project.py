"""A Convex project in a folder of its own, and the official CLI in it.

Its packages are those of ``fixtures/convex-chat``, unless it says otherwise.

Not here: the deployment that it is pushed to (``server_process.py``).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.acceptance.node_runtime import require_node, require_package
from tests.acceptance.server_process import ROOT, ServerProcess

CHAT_PROJECT = ROOT / "fixtures" / "convex-chat"
COMMAND_SECONDS_MAX = 120.0
# What a developer's own tools may have left in a project.
LEFT_BEHIND = shutil.ignore_patterns("node_modules", "dist", ".env.local", "__pycache__")


class ConvexProject:
    """A copy of the project ``source`` in ``folder``, which must not exist yet."""

    def __init__(self, source: Path, folder: Path, packages: Path = CHAT_PROJECT) -> None:
        convex = require_package(packages, "convex")
        self.folder = folder
        self.functions = folder / "convex"
        shutil.copytree(source, folder, ignore=LEFT_BEHIND)
        (folder / "node_modules").symlink_to(convex.parent)

    def convex(self, server: ServerProcess, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``npx convex`` against a deployment, to its end."""
        program = self.folder / "node_modules" / "convex" / "bin" / "main.js"
        return subprocess.run(
            [require_node(), str(program), *words],
            cwd=self.folder,
            env=_environment(server),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )

    def start(self, server: ServerProcess, *words: str) -> subprocess.Popen[str]:
        """Begin a command of ``npx convex`` that does not end by itself; the caller kills it."""
        program = self.folder / "node_modules" / "convex" / "bin" / "main.js"
        return subprocess.Popen(
            [require_node(), str(program), *words],
            cwd=self.folder,
            env=_environment(server),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def push(self, server: ServerProcess) -> str:
        """Push the functions, and return what the CLI said."""
        done = self.convex(server, "dev", "--once", "--tail-logs", "disable")
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{said}\n--- the server:\n{server.read_output()}"
        assert "Convex functions ready!" in said, said
        return said

    def line_of(self, file: str, text: str) -> int:
        """Return the number of the first line of ``convex/<file>`` that has ``text``."""
        lines = (self.functions / file).read_text(encoding="utf-8").splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)


def set_environment(server: ServerProcess, variables: Mapping[str, str | None]) -> None:
    """Set variables of a deployment, or take away those that are None."""
    changes = [{"name": name, "value": text} for name, text in variables.items()]
    headers = {"Authorization": f"Convex {server.admin_key}"}
    status, said = server.post_raw(
        "/api/update_environment_variables", json.dumps({"changes": changes}).encode(), headers
    )
    assert status == 200, said


def _environment(server: ServerProcess) -> dict[str, str]:
    # What the person at this machine has set for a deployment of theirs must not matter.
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("CONVEX_")}
    return {
        **inherited,
        "CONVEX_SELF_HOSTED_URL": server.url,
        "CONVEX_SELF_HOSTED_ADMIN_KEY": server.admin_key,
        "NO_COLOR": "1",
    }
