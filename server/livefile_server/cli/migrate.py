"""``livefile migrate``: run a migration over the documents of a file."""

from pathlib import Path

import click

from livefile import App, Livefile, MigrationProgress
from livefile_server.cli.command import Command
from livefile_server.cli.options import db_option, option
from livefile_server.settings.config import variable_name
from livefile_server.settings.project import Project


@click.command(cls=Command)
@click.argument("app", envvar=variable_name("app"))
@click.argument("function")
@db_option("The database, which no server has open.", ".livefile/<app>.db in the project")
@option("--dry-run", is_flag=True, help="Call the function with every document, write nothing.")
@option("--again", is_flag=True, help="Begin with the first document, also if it is finished.")
def migrate(app: str, function: str, db: Path | None, dry_run: bool, again: bool) -> None:
    """Bring the stored documents of a table into another form.

    APP is the app's directory or import name, FUNCTION the path of a @migration in it, such as
    `migrations:rename_body`. It is called with each document of its table and returns the new
    fields, or None to leave the document as it is. They must match the app's schema.

    Documents are done in batches, each a commit. A run that was stopped, or that failed at a
    document, goes on there; one that is finished is not run again. Afterwards the schema can be
    deployed: start `livefile dev` or `livefile serve`.
    """
    code = App.load(app)
    path = db or Project(folder=code.path.parent, name=code.name).database
    if not path.exists():
        raise click.UsageError(f"there is no file {path}; give --db")
    with Livefile.open(path) as livefile:
        done = livefile.migrate(code, function, _tell, is_dry_run=dry_run, is_again=again)
    if done.has_run_before:
        click.echo(f"{function} is finished already; --again runs it once more.", err=True)
    changed = "would change" if dry_run else "changed"
    click.echo(f"{function}: {done.seen} documents looked at, {done.changed} {changed}.")


def _tell(progress: MigrationProgress) -> None:
    for line in progress.log_lines:
        click.echo(line, err=True)
    if not progress.is_finished:
        click.echo(f"{progress.seen:,} of {progress.count:,} documents", err=True)
