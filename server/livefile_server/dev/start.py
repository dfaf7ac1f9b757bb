"""The code that a server starts with; ``livefile dev`` waits for code that can be loaded.

Somebody who begins with a mistake sees it and mends it, without starting again. A folder without
an app in Python is no mistake: all of the code may be pushed.

Not here: changes after the first start (``dev/session.py``).
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from livefile import App, Livefile, errors
from livefile_server.dev.report import Report
from livefile_server.dev.watcher import SourceWatcher, fingerprint, source_folders
from livefile_server.settings.project import Project

_IMPORT = re.compile(rb"^\s*(?:from|import)\s+livefile\b", re.MULTILINE)

WAITS = "Nothing serves yet; waiting for the next change."


def load_code(source: str) -> App:
    """Return the app of a directory or an import name; an empty one of a folder without any.

    To load code is to run it, so what lies in the folder is left alone unless it says that it is
    an app's: some of it imports Livefile.

    Raises:
        AppError: the code cannot be loaded.
    """
    is_app = not Path(source).is_dir() or _imports_livefile(source_folders(source))
    return App.load(source) if is_app else App.empty()


def _imports_livefile(folders: Sequence[Path]) -> bool:
    return any(_IMPORT.search(file.read_bytes()) for file in fingerprint(folders))


def project_of(app: App, source: str) -> Project:
    """Return the project of an app that was loaded from ``source``."""
    if app.name:
        return Project(folder=app.path.parent, name=app.name)
    folder = Path(source).absolute()
    return Project(folder=folder, name=folder.name)


def open_with_code(
    source: str, open_deployment: Callable[[App], Livefile], report: Report
) -> tuple[Livefile, SourceWatcher]:
    """Return the deployment with its code loaded, and a watcher of that code.

    ``open_deployment`` opens the file with the app; when the app's schema does not fit what is
    stored, that is a mistake in the code like any other.

    Raises:
        AppError: the code cannot be loaded, and there are no source files to wait for.
        LivefileError: the file cannot be opened.
    """
    while True:
        watcher = SourceWatcher(source_folders(source))
        try:
            app = load_code(source)
            if app.name and not source_folders(source):
                watcher = SourceWatcher([app.path])
            return open_deployment(app), watcher
        except errors.AppError as error:
            if not source_folders(source):
                raise
            report.failed(error, WAITS)
            next(watcher.changes(Event()))
