"""Packages from npm for "use node" actions: what ``node.externalPackages`` of convex.json lists.

They are installed into a folder of the user's cache, one for each set of packages, and used again
by every deployment and every start. The folder gets its name only when it is complete, so a machine
that stops halfway leaves nothing behind that looks installed.

Not here: the process that loads them (``action_host.py``).
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import orjson

from livefile.javascript.node_program import node_path
from livefile.vocabulary.errors import PushError
from livefile.vocabulary.limits import NODE_INSTALL_MS_MAX

_NAME = re.compile(r"(@[a-z0-9~][a-z0-9._~-]*/)?[A-Za-z0-9~][A-Za-z0-9._~-]*")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*")
_SHOWN_LENGTH_MAX = 2_000  # Of what npm says.
_OWN_VARIABLES = ("LIVEFILE_", "CONVEX_")  # Secrets of the server, which no package needs.
# Through it the host finds packages as an ES module in the folder would.
_IMPORT = "export const load = (specifier) => import(specifier);\n"


class NodePackages:
    """The folders with packages. Thread-safe; its methods block."""

    def __init__(self, cache: Path | None = None) -> None:
        """Take where the folders are; the user's cache if it is not said."""
        self._cache = cache
        self._lock = threading.Lock()

    def folder_of(self, dependencies: Mapping[str, str]) -> Path:
        """Return a folder where these versions of packages are installed.

        It takes as long as npm does if they are not there yet.

        Raises:
            PushError: they cannot be installed; the message has what npm says.
        """
        content = orjson.dumps(
            {
                "name": "livefile-actions",
                "private": True,
                "type": "module",
                "dependencies": dict(sorted(dependencies.items())),
            }
        )
        digest = hashlib.sha256(content + str(node_path()).encode()).hexdigest()[:16]
        cache = self._cache or _user_cache()
        folder = cache / digest
        with self._lock:
            if not folder.is_dir():
                cache.mkdir(mode=0o700, parents=True, exist_ok=True)
                _check_owner(cache)
                self._make(folder, content, dependencies)
        return folder

    def _make(self, folder: Path, content: bytes, dependencies: Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as name:
            unfinished = Path(name) / "packages"
            unfinished.mkdir()
            (unfinished / "package.json").write_bytes(content)
            (unfinished / "import.mjs").write_text(_IMPORT, encoding="utf-8")
            if dependencies:
                _check(dependencies)
                _install(unfinished)
            if sys.platform != "win32":
                os.sync()  # What the name stands for must be on the disk before the name is.
            try:
                unfinished.rename(folder)
            except OSError:
                if not folder.is_dir():  # Else another process was faster.
                    raise


def _check_owner(cache: Path) -> None:
    """Refuse a folder of somebody else, who could put any code into it."""
    if sys.platform != "win32" and cache.stat().st_uid != os.getuid():
        raise _failed(f"{cache} belongs to another user")


def _check(dependencies: Mapping[str, str]) -> None:
    """Refuse what npm would take for an address, or for an option."""
    for name, version in dependencies.items():
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise PushError(
                "InvalidExternalModules",
                f"{name!r:.100} in version {version!r:.100} is no package of npm; want a name and "
                "one version, such as sharp 0.34.4",
            )


def _install(folder: Path) -> None:
    command = [*_npm(), "install", "--no-audit", "--no-fund", "--omit=dev", "--loglevel=error"]
    variables = {
        name: text for name, text in os.environ.items() if not name.startswith(_OWN_VARIABLES)
    }
    # Scripts of packages run ``node``, which need not be where others find it.
    variables["PATH"] = os.pathsep.join([str(node_path().parent), variables.get("PATH", "")])
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=NODE_INSTALL_MS_MAX / 1000,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(f"npm was not done after {NODE_INSTALL_MS_MAX // 1000} s") from error
    except OSError as error:
        raise _failed(str(error)) from error
    if done.returncode != 0:
        raise _failed(done.stdout.decode(errors="replace")[-_SHOWN_LENGTH_MAX:])


def _npm() -> list[str]:
    node = node_path()
    name = "node_modules" if sys.platform == "win32" else "../lib/node_modules"
    program = node.parent / name / "npm" / "bin" / "npm-cli.js"
    if program.is_file():
        return [str(node), str(program)]
    found = shutil.which("npm")
    if found is None:
        raise _failed("npm is not installed: pip install 'livefile[typescript]'")
    return [found]


def _failed(reason: str) -> PushError:
    return PushError(
        "InvalidExternalModules",
        f"The packages of node.externalPackages cannot be installed: {reason}",
    )


def _user_cache() -> Path:
    """Return a folder of this user that may be removed at any time."""
    if sys.platform == "win32":
        found = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        found = os.path.expanduser("~/Library/Caches")
    else:
        found = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if found and os.access(found if os.path.isdir(found) else os.path.dirname(found), os.W_OK):
        return Path(found) / "livefile" / "node"
    owner = os.getuid() if hasattr(os, "getuid") else "all"
    return Path(tempfile.gettempdir()) / f"livefile-node-{owner}"
