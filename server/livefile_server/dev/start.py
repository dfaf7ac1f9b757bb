"""The first start of ``livefile dev``: it waits for code that can be loaded.

Somebody who begins with a mistake sees it and mends it, without starting again.

Not here: changes after the first start (``dev/session.py``).
"""

from collections.abc import Callable
from threading import Event

from livefile import App, Livefile, errors
from livefile_server.dev.report import Report
from livefile_server.dev.watcher import SourceWatcher, source_folders

WAITS = "Nothing serves yet; waiting for the next change."


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
            app = App.load(source)
            watcher = SourceWatcher([app.path]) if not source_folders(source) else watcher
            return open_deployment(app), watcher
        except errors.AppError as error:
            if not source_folders(source):
                raise
            report.failed(error, WAITS)
            next(watcher.changes(Event()))
