"""Building a page of the tests with the packages of the chat page."""

import shutil
import subprocess
from pathlib import Path

from tests.acceptance.node_runtime import WEB_FOLDER, require_node, require_package


def build_page(source: Path, folder: Path) -> Path:
    """Copy a page's sources to ``folder``, build it there, and return the folder to be served."""
    require_package(WEB_FOLDER, "convex")
    vite = require_package(WEB_FOLDER, "vite") / "bin" / "vite.js"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (folder / "node_modules").symlink_to(WEB_FOLDER / "node_modules")
    shutil.copy(WEB_FOLDER / "vite.config.ts", folder)
    command = [require_node(), str(vite), "build", "--logLevel", "error"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "dist"
