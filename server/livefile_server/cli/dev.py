"""``livefile dev``: serve an app, follow every change of its code, and tell what happens."""

import sys
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from livefile import App, Livefile
from livefile_server.auth.keys import AdminKeys
from livefile_server.cli.admin_key import show_new_admin_key
from livefile_server.cli.command import Command
from livefile_server.cli.options import (
    app_argument,
    behind_proxy_option,
    config_option,
    db_option,
    host_option,
    option,
    origin_option,
    out_option,
    port_option,
    redact_errors_option,
    site_port_option,
    web_option,
)
from livefile_server.dev.report import Report
from livefile_server.dev.running import (
    RunningServer,
    leave_note,
    leave_note_beside,
    make_run_key,
    remove_note,
)
from livefile_server.dev.session import DevSession, write_types
from livefile_server.dev.start import load_code, open_with_code, project_of
from livefile_server.settings.config import Config, load_config
from livefile_server.settings.log import set_up_logging
from livefile_server.settings.port import first_free_port, free_site_port
from livefile_server.settings.project import make_state_folder
from livefile_server.web.access import AccessRules
from livefile_server.web.proxies import Proxies
from livefile_server.web.serve import Addresses, ServerSettings, serve

NO_PYTHON = "No Python here imports livefile; `npx convex dev` pushes TypeScript to this server."
PORTS_TRIED_MAX = 11  # The wanted one and the ten after it.


@click.command(cls=Command)
@app_argument()
@db_option("Database, made at the first start.", ".livefile/<app>.db in the project")
@host_option()
@port_option("Port to listen on, or the next free one of ten.")
@site_port_option()
@origin_option("pages of this machine")
@behind_proxy_option()
@redact_errors_option("no")
@option("--once", is_flag=True, help="Load the app, apply its schema, write types, and end.")
@web_option()
@out_option()
@config_option()
def dev(
    app: str | None,
    db: Path | None,
    host: str | None,
    port: int | None,
    site_port: int | None,
    origin: tuple[str, ...],
    behind_proxy: str | None,
    redact_errors: bool | None,
    once: bool,
    web: Path | None,
    out: Path | None,
    config: Path | None,
) -> None:
    """Serve an app and follow every change of its code.

    APP is a directory (the app's package, or the folder that holds it) or the import name of a
    package; without it, LIVEFILE_APP or the current directory. A directory where no Python imports
    livefile is left alone: code may be pushed by `npx convex dev`. When a file of the app changes,
    the new code serves at once, live queries run again and the types for TypeScript are written.
    Code that cannot be loaded is shown with its traceback, and the version before it keeps
    serving.

    While it runs, .livefile/dev.json in the project holds its address and an admin key that is
    valid for this run only, so that `livefile run` needs no options there.
    """
    given: dict[str, object] = {
        "app": app,
        "db": db,
        "host": host,
        "port": port,
        "web": web,
        "out": out,
    }
    given |= {"site_port": site_port, "origin": origin or None, "behind_proxy": behind_proxy}
    given["redact_errors"] = redact_errors
    settings = load_config(given, config)
    set_up_logging()
    # A cached .pyc counts as fresh when its source has the same size and second, which two saves
    # in a row easily have.
    sys.dont_write_bytecode = True
    if once:
        _run_once(settings)
    else:
        _run(settings, Report(Console(stderr=True)))


def _run_once(settings: Config) -> None:
    app = load_code(settings.app)
    project = project_of(app, settings.app)
    with _open(settings, app):
        written = write_types(app, settings.out or project.generated)
    for path in written:
        click.echo(path)
    click.echo(f"{project.name}: schema applied, {len(written)} files of types written.", err=True)


def _run(settings: Config, report: Report) -> None:
    port = settings.port
    if port != 0:
        port = first_free_port(settings.host, port, PORTS_TRIED_MAX)
    if port != settings.port:
        report.tell(f"Port {settings.port} is taken; using {port}.", style="yellow")
    livefile, watcher = open_with_code(settings.app, partial(_open, settings), report)
    with livefile:
        project = project_of(livefile.app, settings.app)
        generated = settings.out or project.generated
        if livefile.app.name:
            report.types_written(write_types(livefile.app, generated))
        else:
            report.tell(NO_PYTHON)
        livefile.observe_calls(report.call)
        livefile.accounts.sender.show = report.code
        show_new_admin_key(AdminKeys(livefile))
        session = DevSession(livefile, watcher, generated, report)
        run_key = make_run_key()
        note: list[Path] = []

        def start(addresses: Addresses) -> None:
            server = RunningServer(url=addresses.main, admin_key=run_key)
            note.append(leave_note(project.state, server))
            note.append(leave_note_beside(livefile.path, server))
            report.tell(f"Serving {project.name} at {addresses.main}", style="bold")
            if livefile.app.http_router is not None:
                report.tell(f"HTTP actions at {addresses.for_http_actions}")
            session.start()

        try:
            serve(
                livefile,
                ServerSettings(
                    host=settings.host,
                    port=port,
                    site_port=free_site_port(settings.host, settings.site_port, port),
                    web_root=settings.web or project.page,
                    access=AccessRules(settings.origin, is_local=True, host=settings.host),
                    proxies=Proxies(settings.proxies),
                    public_url=settings.public_url,
                    run_admin_key=run_key,
                    redacts_errors=settings.redact_errors is True,
                ),
                start,
            )
        finally:
            session.stop()
            for path in note:
                remove_note(path)


def _open(settings: Config, app: App) -> Livefile:
    if settings.db is not None:
        return Livefile.open(settings.db, app=app, has_scheduler=False)
    project = project_of(app, settings.app)
    make_state_folder(project.state)
    return Livefile.open(project.database, app=app, has_scheduler=False)
