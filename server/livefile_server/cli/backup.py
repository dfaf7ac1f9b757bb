"""``livefile backup``: a checked copy of a file, served or not."""

from collections.abc import Mapping
from pathlib import Path

import click
import orjson

from livefile import FileLockedError, back_up_file
from livefile_server.cli.command import Command
from livefile_server.cli.options import json_option
from livefile_server.cli.progress import progress_bar
from livefile_server.cli.upkeep import file_argument, server_of, target_argument
from livefile_server.dev.upkeep_client import have_done
from livefile_server.web.upkeep_work import backup_facts


@click.command(cls=Command)
@file_argument()
@target_argument("OUT")
@json_option("Print one object in JSON.")
def backup(file: Path, target: Path, json: bool) -> None:
    """Write a checked copy of a deployment's file.

    FILE may be served meanwhile: then its server makes the copy, calls go on, and OUT holds the
    state after exactly one commit. OUT must not exist; it gets its name only when the copy is
    complete, checked and on the disk. Prints the SHA-256 as `sha256sum` does.
    """
    facts = _back_up(file, target.absolute())
    if json:
        click.echo(orjson.dumps(facts))
        return
    click.echo(f"{facts['sha256']}  {target}")
    click.echo(f"{facts['sizeBytes']:,} bytes, the state after commit {facts['ts']}", err=True)


def _back_up(file: Path, target: Path) -> Mapping[str, object]:
    with progress_bar() as on_progress:

        def on_pages(done: int, count: int) -> None:
            on_progress("copying pages", done, count)

        try:
            return backup_facts(back_up_file(file, target, on_pages))
        except FileLockedError as error:
            server = server_of(file, error)
        return have_done(server, "backup", {"target": str(target)}, on_progress)
