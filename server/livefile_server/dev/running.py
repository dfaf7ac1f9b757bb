"""The note that a running ``livefile dev`` leaves in its project: where it is, and a key.

``livefile run`` finds it from any folder of the project, so that it needs no options there. Every
server leaves such a note beside its file as well, for the commands that are about the file. The
key is made anew at each start and is worth nothing once the server has stopped. The file is for
its owner's eyes only and goes away with the server; after a crash a stale one is left, which the
next start replaces.

Not here: the admin key of a deployment, which is shown once and stored nowhere in clear
(``auth/keys.py``).
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from livefile_server.auth.keys import SECRET_SIZE_BYTES
from livefile_server.settings.project import STATE_FOLDER, make_state_folder

FILE_NAME = "dev.json"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where a deployment answers, and a key that opens it."""

    url: str
    admin_key: str


def make_run_key() -> str:
    """Return a new admin key for one run of the server."""
    return f"dev|{secrets.token_hex(SECRET_SIZE_BYTES)}"


def leave_note(state: Path, server: RunningServer) -> Path:
    """Write the note into a state folder, which is made, and return its path."""
    make_state_folder(state)
    path = state / FILE_NAME
    remove_note(path)  # O_EXCL: the mode below holds for a new file only.
    _write(path, server)
    return path


def leave_note_beside(db: Path, server: RunningServer) -> Path:
    """Write the note beside the file that is served, and return its path."""
    path = note_beside(db)
    remove_note(path)
    _write(path, server)
    return path


@contextmanager
def note_while_serving(db: Path, url: str, admin_key: str) -> Iterator[None]:
    """Leave the note beside the file that is served, until the block is left."""
    path = leave_note_beside(db, RunningServer(url=url, admin_key=admin_key))
    try:
        yield
    finally:
        remove_note(path)


def note_beside(db: Path) -> Path:
    """Return where the server of a file leaves its note."""
    return db.with_name(f"{db.name}.server")


def find_note_beside(db: Path) -> RunningServer | None:
    """Return the note beside a file, None if no server left one."""
    try:
        return _read(note_beside(db))
    except OSError:
        return None


def remove_note(path: Path) -> None:
    """Remove the note; nothing happens if it is gone."""
    path.unlink(missing_ok=True)


def find_note(folder: Path) -> RunningServer | None:
    """Return the note of the project that ``folder`` is in, None if no server left one."""
    for candidate in (folder, *folder.parents):
        try:
            return _read(candidate / STATE_FOLDER / FILE_NAME)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    return None


def _write(path: Path, server: RunningServer) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"url": server.url, "admin_key": server.admin_key}, file)


def _read(path: Path) -> RunningServer | None:
    try:
        items = json.loads(path.read_text())
        return RunningServer(url=items["url"], admin_key=items["admin_key"])
    except (ValueError, KeyError, TypeError):
        return None  # Half a note, of a server that is just starting or was killed.
