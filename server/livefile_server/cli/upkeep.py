"""What the commands about a file share: doing the work here, or having the file's server do it.

Not here: the commands, each in its file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from livefile import App, FileLockedError, Livefile
from livefile_server.cli.options import FILE, Decorator
from livefile_server.cli.progress import progress_bar
from livefile_server.dev.running import RunningServer, find_note_beside
from livefile_server.dev.upkeep_client import have_done
from livefile_server.web.upkeep_work import do_work

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def file_argument() -> Decorator[Any]:  # Any: as in click.argument.
    """Return the argument FILE: a deployment's file that is there."""
    return click.argument("file", metavar="FILE", type=EXISTING_FILE)


def target_argument(name: str) -> Decorator[Any]:
    """Return the argument of a file that is to be made."""
    return click.argument("target", metavar=name, type=FILE)


def work_on(
    file: Path, name: str, args: Mapping[str, object], app: str | None = None
) -> Mapping[str, Any]:
    """Do some work on a file, or have its server do it; return what it came to."""
    with progress_bar() as on_progress:
        try:
            livefile = Livefile.open(
                file, app=None if app is None else App.load(app), has_scheduler=False
            )
        except FileLockedError as error:
            return have_done(server_of(file, error), name, args, on_progress)
        with livefile:
            return do_work(livefile.upkeep, name, args, on_progress)


def server_of(file: Path, error: FileLockedError) -> RunningServer:
    """Return the server that has a file open.

    Raises:
        FileLockedError: ``error``, if it is no server that has it open.
    """
    server = find_note_beside(file.absolute())
    if server is None:
        raise error
    return server
