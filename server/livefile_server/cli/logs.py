"""``livefile logs``: the finished calls of a running deployment."""

from contextlib import suppress
from pathlib import Path

import click
import orjson
from rich.console import Console

from livefile import CallProgress
from livefile_server.cli.command import Command
from livefile_server.cli.options import json_option, option
from livefile_server.cli.target import find_running, target_options
from livefile_server.dev.admin_requests import get_json
from livefile_server.dev.report import Report
from livefile_server.dev.running import RunningServer
from livefile_server.settings.call_entry import call_record


@click.command(cls=Command)
@option("--follow", is_flag=True, help="Go on with the calls to come, until Ctrl-C.")
@json_option("Print each call as an object in JSON, on a line of its own.")
@target_options()
def logs(follow: bool, json: bool, db: Path | None, url: str | None, admin_key: str | None) -> None:
    """Print the newest calls of a running deployment.

    For each call: when it began, what it was, how long it took, what it printed, and its error
    with all of its text, also where clients get less; what an action prints also while it runs.
    The server keeps the newest calls in memory; for a log that stays see
    `livefile serve --log-format json`.
    """
    server = find_running(db, url, admin_key)
    with suppress(KeyboardInterrupt):  # The way to end `--follow`.
        _print_calls(server, is_json=json, is_following=follow)


def _print_calls(server: RunningServer, *, is_json: bool, is_following: bool) -> None:
    report = Report(Console())
    cursor = 0
    while True:
        page = get_json(server.url, server.admin_key, f"/api/stream_function_logs?cursor={cursor}")
        cursor = page["newCursor"]
        for entry in page["entries"]:
            if is_json:
                click.echo(orjson.dumps(entry))
            elif isinstance(record := call_record(entry), CallProgress):
                report.progress(record)
            else:
                report.call(record, has_time=True)
        if not is_following:
            return
