"""``livefile import``: documents of a file become documents of a deployment."""

from pathlib import Path

import click

from livefile import ImportFormat, ImportMode
from livefile_server.cli.command import Command
from livefile_server.cli.options import app_option, option
from livefile_server.cli.upkeep import EXISTING_FILE, work_on

MODES = [mode.value for mode in ImportMode]
FORMATS = [format.value for format in ImportFormat]


@click.command("import", cls=Command)
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("source", metavar="IN", type=EXISTING_FILE)
@option("--table", metavar="NAME", help="The table, for every format but zip.")
@option(
    "--mode",
    type=click.Choice(MODES),
    default=MODES[0],
    show_default=True,
    help="What becomes of documents that are there.",
)
@option("--format", type=click.Choice(FORMATS), help="The format, if the name does not say it.")
@app_option("The app with the schema, if FILE is not served and has one.")
@option("--anew", is_flag=True, help="Forget an import that was cut off.")
@option("--trusted", is_flag=True, help="Take a ZIP file that unpacks to over 200 times its size.")
def import_command(
    file: Path,
    source: Path,
    table: str | None,
    mode: str,
    format: str | None,
    app: str | None,
    anew: bool,
    trusted: bool,
) -> None:
    """Let the documents of a file be documents of a deployment.

    IN is a snapshot (zip) with all tables, or one table as jsonLines, jsonArray or csv. FILE may
    be served meanwhile, and is made if it is not there. All documents are checked before the
    first is written; then they are written in batches, each a commit. An import that was cut off
    goes on when the same command is run again.
    """
    done = work_on(
        file,
        "import",
        {
            "source": str(source.absolute()),
            "table": table,
            "mode": mode,
            "format": format,
            "isAnew": anew,
            "isTrusted": trusted,
        },
        app,
    )
    if done["resumedAt"]:
        click.echo(f"Went on after {done['resumedAt']:,} documents.", err=True)
    for name in done["leftOut"]:
        click.echo(f"Left out: {name}", err=True)
    files = f" and {done['files']:,} stored files" if done["files"] else ""
    click.echo(f"{file}: {done['documents']:,} documents{files} imported", err=True)
