"""Which deployment a command is about: that of a file, served or not, or one at an address.

Inside a project whose ``livefile dev`` runs, that one is meant unless another is named.

Not here: what is done with it (the commands).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from livefile import FileLockedError, Livefile
from livefile_server.cli.options import Decorator, db_option, option
from livefile_server.cli.upkeep import server_of
from livefile_server.dev.running import RunningServer, find_note, find_note_beside

R = TypeVar("R")


def target_options() -> Decorator[Any]:
    """Return the options ``--db``, ``--url`` and ``--admin-key``."""
    project = "the project's `livefile dev`"
    db = db_option("A deployment's file on this machine.", project)
    url = option("--url", metavar="URL", help="A running deployment; needs --admin-key.")
    key = option("--admin-key", metavar="KEY", help="Its admin key.")
    return lambda command: db(url(key(command)))


def find_running(db: Path | None, url: str | None, admin_key: str | None) -> RunningServer:
    """Return the running deployment that is meant.

    Raises:
        UsageError: none is named, or none runs there.
    """
    _check(db, url, admin_key)
    if url is not None and admin_key is not None:
        return RunningServer(url=url, admin_key=admin_key)
    note = find_note(Path.cwd()) if db is None else find_note_beside(db.absolute())
    if note is None:
        raise click.UsageError(
            "no running `livefile dev` in this project; start it, or give --db, or --url and "
            "--admin-key"
            if db is None
            else f"no server has {db} open"
        )
    return note


def do_with(
    db: Path | None,
    url: str | None,
    admin_key: str | None,
    on_file: Callable[[Livefile], R],
    on_server: Callable[[RunningServer], R],
) -> R:
    """Do something with a deployment: in this process if no server has its file open.

    Raises:
        UsageError: none is named, or the file is not there.
    """
    if db is None:
        return on_server(find_running(db, url, admin_key))
    _check(db, url, admin_key)
    if not db.exists():
        raise click.UsageError(f"there is no file {db}")  # Opening it would make it.
    try:
        livefile = Livefile.open(db)
    except FileLockedError as error:
        return on_server(server_of(db, error))
    with livefile:
        return on_file(livefile)


def _check(db: Path | None, url: str | None, admin_key: str | None) -> None:
    if db is not None and url is not None:
        raise click.UsageError("--db and --url exclude each other")
    if url is not None and admin_key is None:
        raise click.UsageError("--url needs --admin-key: only its holder may do this")
