"""``livefile check``: whether everything in a file fits together."""

from pathlib import Path

import click
import orjson

from livefile_server.cli.command import Command
from livefile_server.cli.options import json_option
from livefile_server.cli.upkeep import file_argument, work_on


@click.command(cls=Command)
@file_argument()
@json_option("Print a list in JSON.")
def check(file: Path, json: bool) -> None:
    """Check a deployment's file.

    Every page, every document, every index entry and the commit log are looked at; FILE may be
    served meanwhile. Prints what is wrong, and ends with 1 if anything is.
    """
    problems = work_on(file, "check", {})["problems"]
    if json:
        click.echo(orjson.dumps(problems))
    else:
        for problem in problems:
            click.echo(problem)
    if problems:
        raise click.ClickException(f"{file} is damaged; restore a backup")
    click.echo(f"{file}: nothing is wrong.", err=True)
