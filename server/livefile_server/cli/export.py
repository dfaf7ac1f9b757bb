"""``livefile export``: the documents of a file, for other programs."""

from pathlib import Path

import click

from livefile_server.cli.command import Command
from livefile_server.cli.options import option
from livefile_server.cli.upkeep import file_argument, target_argument, work_on


@click.command("export", cls=Command)
@file_argument()
@target_argument("OUT")
@option("--table", metavar="NAME", help="Only this table, as JSON Lines.")
@option("--include-file-storage", is_flag=True, help="Put the stored files into the ZIP file.")
def export_command(file: Path, target: Path, table: str | None, include_file_storage: bool) -> None:
    """Write the documents of a deployment into a file.

    OUT becomes a ZIP file with all tables, in the layout of Convex's snapshots; with --table, one
    table as JSON Lines. FILE may be served meanwhile; OUT holds one moment of it.
    """
    if table is None and target.suffix.lower() != ".zip":
        raise click.UsageError(f"{target}: all tables go into a .zip file; for one give --table")
    args = {
        "target": str(target.absolute()),
        "table": table,
        "hasFiles": include_file_storage,
    }
    done = work_on(file, "export", args)
    files = f", {done['files']:,} stored files" if include_file_storage else ""
    tables = len(done["tables"])
    click.echo(f"{target}: {done['documents']:,} documents of {tables} tables{files}", err=True)
