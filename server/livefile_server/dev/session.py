"""The loop of ``livefile dev``: a change on disk becomes the code that serves.

Watch, load anew, deploy (live queries run again), write types, tell. Whatever fails is told with
its traceback, and the version before it keeps serving.

Not here: serving (``web/``); how changes are seen (``dev/watcher.py``).
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

from livefile import App, Livefile, LivefileError
from livefile_server.codegen.files import write_files
from livefile_server.codegen.typescript import typescript_files
from livefile_server.dev.report import Report
from livefile_server.dev.watcher import SourceWatcher

KEEPS_SERVING = "The version before keeps serving; waiting for the next change."


class DevSession:
    """One deployment that follows the code on disk. ``run`` lives on a thread of its own."""

    def __init__(
        self, livefile: Livefile, watcher: SourceWatcher, generated: Path, report: Report
    ) -> None:
        """Take a watcher that was made before the app was loaded, so that no change is missed."""
        self._livefile = livefile
        self._watcher = watcher
        self._generated = generated
        self._report = report
        self._stop = Event()
        self._thread = Thread(target=self.run, name="livefile-dev", daemon=True)

    def start(self) -> None:
        """Begin to follow changes."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following; returns once a reload under way is done."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def run(self) -> None:
        """Follow changes until ``stop`` is called."""
        for changed in self._watcher.changes(self._stop):
            self.reload(changed)

    def reload(self, changed: Sequence[Path]) -> None:
        """Put the code on disk in place of the code that serves, if it can be."""
        try:
            app = self._livefile.app.reload()
            self._livefile.deploy(app, self._report.deploying)
        except LivefileError as error:
            self._report.failed(error, KEEPS_SERVING)
            return
        try:
            written = write_types(app, self._generated)
        except OSError as error:
            self._report.failed(error, "The new code serves, but its types were not written.")
            return
        self._report.reloaded(changed, written)


def write_types(app: App, generated: Path) -> list[Path]:
    """Write an app's generated files and return those that changed.

    An app without Python has none: the tools that push its code write their own.
    """
    if not app.name:
        return []
    return write_files(generated, typescript_files(app.describe()))
