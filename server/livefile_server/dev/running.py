"""The note that a running ``livefile dev`` leaves in its project: where it answers.

``livefile run`` finds it from any folder of the project, so that it needs no options there. The
file is for its owner's eyes only and goes away with the server; after a crash a stale one is
left, which the next start replaces.

Not here: the admin key of a deployment, which is shown once and stored nowhere in clear
(``auth/keys.py``).
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from livefile_server.settings.project import STATE_FOLDER, make_state_folder

FILE_NAME = "dev.json"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where a deployment answers."""

    url: str


def leave_note(state: Path, server: RunningServer) -> Path:
    """Write the note into a state folder, which is made, and return its path."""
    make_state_folder(state)
    path = state / FILE_NAME
    remove_note(path)  # O_EXCL: the mode below holds for a new file only.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"url": server.url}, file)
    return path


def remove_note(path: Path) -> None:
    """Remove the note; nothing happens if it is gone."""
    path.unlink(missing_ok=True)


def find_note(folder: Path) -> RunningServer | None:
    """Return the note of the project that ``folder`` is in, None if no server left one."""
    for candidate in (folder, *folder.parents):
        try:
            text = (candidate / STATE_FOLDER / FILE_NAME).read_text()
            return RunningServer(url=json.loads(text)["url"])
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        except (ValueError, KeyError, TypeError):
            return None  # Half a note, of a server that is just starting or was killed.
    return None
