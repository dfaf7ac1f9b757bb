"""Changes of an app's Python files on disk.

Editors save in several steps and tools write many files at once, so changes that come close
together are told as one. What counts is the files' state, not the system's events: a change made
before the watching began is told as well, and a file written back unchanged in time is none.

Not here: what to do about a change (``dev/session.py``).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event

from watchfiles import Change, DefaultFilter, watch

# Changes that follow each other faster than the step, for at most the whole, are one change.
DEBOUNCE_STEP_MS = 50
DEBOUNCE_MS_MAX = 800
# Some file systems (network mounts, some containers) send no events; the files are looked at
# this often in any case.
LOOK_INTERVAL_MS = 1_000

Fingerprint = Mapping[Path, tuple[int, int]]
"""The time and the size of every source file."""


class SourceWatcher:
    """The ``.py`` files below some folders. Changes are counted from when it is made."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._known = fingerprint(folders)

    def changes(self, stop: Event) -> Iterator[tuple[Path, ...]]:
        """Wait for changes and yield the sorted files of each, until ``stop`` is set."""
        for _ in watch(
            *self._folders,
            watch_filter=_is_source,
            debounce=DEBOUNCE_MS_MAX,
            step=DEBOUNCE_STEP_MS,
            rust_timeout=LOOK_INTERVAL_MS,
            yield_on_timeout=True,
            stop_event=stop,
            raise_interrupt=False,
        ):
            found = fingerprint(self._folders)
            changed = {path for path, _ in found.items() ^ self._known.items()}
            self._known = found
            if changed:
                yield tuple(sorted(changed))


def source_folders(source: str) -> list[Path]:
    """Return the folders that hold the code of an app given by its directory.

    The directory itself if there is code in it, else those in it that have some; none if it is
    no directory.
    """
    folder = Path(source)
    if any(folder.glob("*.py")):
        return [folder]
    return sorted({path.parent for path in folder.glob("*/*.py")})


def fingerprint(folders: Sequence[Path]) -> Fingerprint:
    """Return the state of every ``.py`` file below ``folders``; a missing folder has none."""
    found: dict[Path, tuple[int, int]] = {}
    for folder in folders:
        for parent, children, names in os.walk(folder):
            children[:] = [name for name in children if name not in DefaultFilter.ignore_dirs]
            for name in names:
                if name.endswith(".py"):
                    path = Path(parent, name)
                    try:
                        status = path.stat()
                    except FileNotFoundError:
                        continue  # Removed since it was listed.
                    found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _is_source(change: Change, path: str) -> bool:
    return path.endswith(".py") and DefaultFilter()(change, path)
