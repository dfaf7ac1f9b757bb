"""``livefile freeze``: run a command while a file stands still and is complete by itself."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from livefile import FileLockedError, Livefile, limits
from livefile_server.cli.command import Command
from livefile_server.cli.options import option
from livefile_server.cli.upkeep import file_argument, server_of
from livefile_server.dev.upkeep_client import frozen

SECONDS_DEFAULT = 60


@click.command(cls=Command, context_settings={"ignore_unknown_options": True})
@file_argument()
@click.argument("command", metavar="-- COMMAND...", nargs=-1, required=True)
@option(
    "--seconds",
    type=click.IntRange(1, limits.FREEZE_DURATION_MS_MAX // 1000),
    metavar="N",
    default=SECONDS_DEFAULT,
    show_default=True,
    help="How long the command may take.",
)
def freeze(file: Path, command: Sequence[str], seconds: int) -> None:
    """Run a command while a file stands still.

    While COMMAND runs, FILE is complete by itself, so that `cp` or a snapshot of the disk copies
    everything. If it is served, reads go on and mutations wait. Ends with the command's exit
    code, and with 1 if it took longer than --seconds: then writes went on, and its copy is worth
    nothing.
    """
    with _frozen(file, seconds * 1000):
        code = subprocess.run(command, check=False).returncode
    if code:
        raise click.exceptions.Exit(code)


@contextmanager
def _frozen(file: Path, duration_ms: int) -> Iterator[None]:
    try:
        livefile = Livefile.open(file, has_scheduler=False)
    except FileLockedError as error:
        server = server_of(file, error)
        with frozen(server, duration_ms):
            yield
        return
    with livefile, livefile.upkeep.frozen(duration_ms):
        yield
