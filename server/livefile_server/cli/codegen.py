"""``livefile codegen``: write an app's types, or check that they are up to date."""

from pathlib import Path

import click
import orjson

from livefile import App
from livefile_server.cli.command import Command
from livefile_server.cli.options import app_argument, json_option, option, out_option
from livefile_server.codegen.files import changed_files, write_files
from livefile_server.codegen.typescript import typescript_files
from livefile_server.settings.project import Project


@click.command(cls=Command)
@app_argument()
@out_option()
@option("--check", is_flag=True, help="Write nothing; fail if a file is not up to date.")
@json_option("Print the result as JSON.")
def codegen(app: str | None, out: Path | None, check: bool, json: bool) -> None:
    """Write TypeScript types for the app's functions and tables.

    APP is a directory (the app's package, or the folder that holds it) or the import name of a
    package; without it, LIVEFILE_APP or the current directory. The files are `api.js`,
    `api.d.ts` and `dataModel.d.ts` for the npm package `convex`, so that
    `useQuery(api.messages.list)` knows the types of the Python function. Only files that changed
    are written.
    """
    loaded = App.load(app or ".")
    folder = out or Project(folder=loaded.path.parent, name=loaded.name).generated
    texts = typescript_files(loaded.describe())
    changed = changed_files(folder, texts) if check else write_files(folder, texts)
    if json:
        names = [str(path) for path in changed]
        click.echo(orjson.dumps({"folder": str(folder), "changed": names}))
    else:
        for path in changed:
            click.echo(path)
    if not check:
        click.echo(f"{len(texts)} files in {folder}, {len(changed)} written.", err=True)
    elif changed:
        raise click.ClickException(
            f"{len(changed)} of {len(texts)} files in {folder} are not up to date; "
            "run `livefile codegen`"
        )
