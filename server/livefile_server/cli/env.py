"""``livefile env``: the environment variables of a deployment."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import orjson

from livefile import Livefile
from livefile_server.cli.command import Command
from livefile_server.cli.options import json_option
from livefile_server.cli.target import do_with, target_options
from livefile_server.dev.admin_requests import get_json, post_json
from livefile_server.dev.running import RunningServer

_LIST_PATH = "/api/list_environment_variables"
_UPDATE_PATH = "/api/update_environment_variables"


@click.group()
def env() -> None:
    """Set, show and remove a deployment's environment variables.

    Functions read them as `ctx.env["NAME"]`. They belong to the deployment and are kept in its
    file; those of the server's process are something else, and functions do not see them. Inside
    a project whose `livefile dev` runs, that one is meant; else --db or --url says which.
    """


@env.command("set", cls=Command)
@click.argument("name")
@click.argument("value", required=False)
@target_options()
def set_variable(
    name: str, value: str | None, db: Path | None, url: str | None, admin_key: str | None
) -> None:
    """Set a variable.

    NAME VALUE, or NAME=VALUE. Without a value it is asked for, or read from standard input when
    that is no terminal: so a secret comes into no history of commands. One line end after it is
    left out. Live queries that have looked the variable up run again.
    """
    if value is None:
        name, sign, given = name.partition("=")
        value = given if sign else _read_value(name)
    _change({name: value}, db, url, admin_key)
    click.echo(f"{name} is set.", err=True)


@env.command("get", cls=Command)
@click.argument("name")
@target_options()
def get_variable(name: str, db: Path | None, url: str | None, admin_key: str | None) -> None:
    """Print the value of a variable."""
    variables = _read(db, url, admin_key)
    if name not in variables:
        raise click.ClickException(f"{name} is not set")
    click.echo(variables[name])


@env.command("list", cls=Command)
@json_option("Print one object in JSON.")
@target_options()
def list_variables(json: bool, db: Path | None, url: str | None, admin_key: str | None) -> None:
    """Print all variables with their values, in a form that a shell can read."""
    variables = _read(db, url, admin_key)
    if json:
        click.echo(orjson.dumps(variables))
        return
    for name, value in variables.items():
        click.echo(f"{name}={shlex.quote(value)}")


@env.command("unset", cls=Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@target_options()
def unset_variables(
    names: tuple[str, ...], db: Path | None, url: str | None, admin_key: str | None
) -> None:
    """Remove variables."""
    variables = _read(db, url, admin_key)
    missing = [name for name in names if name not in variables]
    if missing:
        raise click.ClickException(f"{', '.join(missing)}: not set; nothing was changed")
    _change(dict.fromkeys(names), db, url, admin_key)
    click.echo(f"{', '.join(names)}: removed.", err=True)


def _read_value(name: str) -> str:
    if sys.stdin.isatty():
        value: str = click.prompt(f"Value of {name}", hide_input=True, default="", err=True)
        return value
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


def _read(db: Path | None, url: str | None, admin_key: str | None) -> Mapping[str, str]:
    def ask(server: RunningServer) -> Mapping[str, str]:
        answer = get_json(server.url, server.admin_key, _LIST_PATH)
        variables: Mapping[str, str] = answer["environmentVariables"]
        return variables

    return do_with(db, url, admin_key, Livefile.environment, ask)


def _change(
    changes: Mapping[str, str | None], db: Path | None, url: str | None, admin_key: str | None
) -> None:
    def ask(server: RunningServer) -> None:
        body = {"changes": [{"name": name, "value": value} for name, value in changes.items()]}
        post_json(server.url, server.admin_key, _UPDATE_PATH, body)

    do_with(db, url, admin_key, lambda livefile: livefile.change_environment(changes), ask)
