"""``livefile restore``: a backup becomes a deployment's file."""

from pathlib import Path

import click

from livefile import restore_file
from livefile_server.cli.command import Command
from livefile_server.cli.options import FILE, option
from livefile_server.cli.upkeep import EXISTING_FILE


@click.command(cls=Command)
@click.argument("backup", metavar="BACKUP", type=EXISTING_FILE)
@click.argument("file", metavar="FILE", type=FILE)
@option("--replace", is_flag=True, help="Take the place of a file that is there.")
@option("--sha256", metavar="HEX", help="Refuse a backup with another hash.")
def restore(backup: Path, file: Path, replace: bool, sha256: str | None) -> None:
    """Make a deployment's file of a backup.

    The copy is checked before it gets the name FILE. A file that is there is left as it is unless
    --replace is given, and one that a process has open in any case.
    """
    report = restore_file(backup, file, sha256=sha256, is_replacing=replace)
    click.echo(f"{file}: {report.size_bytes:,} bytes, the state after commit {report.ts}", err=True)
