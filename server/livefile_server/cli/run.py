"""``livefile run``: call one function, of a running deployment or of a file."""

import secrets
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import click
import orjson

from livefile import (
    ADMIN,
    Call,
    Failure,
    Livefile,
    LivefileError,
    Outcome,
    from_wire,
    parse_function_path,
)
from livefile_server.cli.command import Command
from livefile_server.cli.options import app_option, db_option, json_option, option
from livefile_server.dev.admin_client import CallAnswer, call_function
from livefile_server.dev.running import RunningServer, find_note
from livefile_server.settings.terminal_text import indented_lines


@click.command(cls=Command)
@click.argument("function")
@click.argument("args", default="{}")
@option(
    "--url",
    metavar="URL",
    help="A running deployment.",
    show_default="the project's `livefile dev`",
)
@option("--admin-key", metavar="KEY", help="Its admin key; without one only public functions run.")
@db_option("Call the function in this process on FILE, which no server has open; needs --app.")
@app_option("The app's directory or import name, for --db.")
@json_option("Print the result on one line, in the protocol's encoding.")
def run(
    function: str,
    args: str,
    url: str | None,
    admin_key: str | None,
    db: Path | None,
    app: str | None,
    json: bool,
) -> None:
    """Call a function and print what it returns.

    FUNCTION is a path such as `messages:send`, ARGS an object in JSON such as
    '{"body": "hi"}'. 64-bit integers and bytes are written as the protocol has them:
    {"$integer": "..."}, {"$bytes": "..."}.

    Inside a project whose `livefile dev` runs, no options are needed: it leaves its address and
    a key in .livefile/dev.json. Elsewhere, internal functions need the admin key.
    """
    arguments = _parse_arguments(args)
    path = parse_function_path(function)
    if db is not None:
        if app is None:
            raise click.UsageError("--db needs --app: the code of the functions")
        if url is not None:
            raise click.UsageError("--db and --url exclude each other")
        answer = _call_in_process(db, app, path, arguments)
    else:
        if url is None:
            server = _find_server(app)
            url, admin_key = server.url, admin_key or server.admin_key
        answer = call_function(url, admin_key, path, arguments)
    for line in answer.log_lines:
        click.echo(indented_lines(line), err=True)
    if answer.error is not None:
        message = answer.error
        if answer.has_error_data:
            message += f"\ndata: {orjson.dumps(answer.error_data).decode()}"
        raise click.ClickException(indented_lines(message))
    click.echo(_printed(answer.value, json))


def _parse_arguments(text: str) -> dict[str, Any]:
    try:
        arguments = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"ARGS must be JSON: {error}; it is {text}") from error
    if not isinstance(arguments, dict):
        raise click.UsageError(f"ARGS must be an object such as '{{\"a\": 1}}'; it is {text}")
    return arguments


def _find_server(app: str | None) -> RunningServer:
    note = find_note(Path(app or ".").resolve())
    if note is None:
        raise click.UsageError(
            "no running `livefile dev` in this project; start it, or give --url, or --db and --app"
        )
    return note


def _call_in_process(db: Path, app: str, path: str, arguments: dict[str, Any]) -> CallAnswer:
    args = from_wire(arguments)
    assert isinstance(args, dict)
    with Livefile.open(db, app=app, has_scheduler=False) as livefile:
        answered: Future[Outcome | LivefileError] = Future()
        livefile.failed = answered.set_exception
        call = Call(
            path=path,
            args=args,
            identity=ADMIN,
            request_id=secrets.token_hex(8),
            is_internal=True,
        )
        livefile.submit(call, None, answered.set_result)
        outcome = answered.result()
    if isinstance(outcome, LivefileError):
        raise outcome
    if isinstance(outcome, Failure):
        return CallAnswer(
            error=outcome.message,
            error_data=None if outcome.data_json is None else orjson.loads(outcome.data_json),
            has_error_data=outcome.data_json is not None,
            log_lines=outcome.log_lines,
        )
    return CallAnswer(value=orjson.loads(outcome.json), log_lines=outcome.log_lines)


def _printed(value: Any, is_exact: bool) -> bytes:
    if is_exact:
        return orjson.dumps(value)
    return orjson.dumps(_with_plain_numbers(value), option=orjson.OPT_INDENT_2)


def _with_plain_numbers(value: Any) -> Any:
    """Return a JSON tree with ``3.0`` as ``3``: people count in whole numbers."""
    match value:
        case float() if value.is_integer() and abs(value) <= 2**53:
            return int(value)
        case list():
            return [_with_plain_numbers(item) for item in value]
        case dict():
            return {key: _with_plain_numbers(item) for key, item in value.items()}
    return value
