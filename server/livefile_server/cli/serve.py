"""``livefile serve``: run a deployment as it is, for use rather than for development."""

import sys
from contextlib import ExitStack, closing
from pathlib import Path

import click

from livefile import App, Livefile
from livefile_server.auth.keys import AdminKeys
from livefile_server.cli.admin_key import show_new_admin_key
from livefile_server.cli.command import Command
from livefile_server.cli.options import (
    FILE,
    app_option,
    behind_proxy_option,
    config_option,
    host_option,
    option,
    origin_option,
    port_option,
    public_url_option,
    redact_errors_option,
    site_port_option,
    web_option,
)
from livefile_server.dev.running import make_run_key, note_while_serving
from livefile_server.dev.start import load_code, project_of
from livefile_server.settings.call_writer import CallWriter
from livefile_server.settings.config import load_config, variable_name
from livefile_server.settings.log import LogFormat, set_up_logging
from livefile_server.settings.port import free_site_port, require_free_port
from livefile_server.settings.private_files import keep_files_private
from livefile_server.web.access import AccessRules
from livefile_server.web.proxies import Proxies
from livefile_server.web.serve import Addresses, ServerSettings, serve


@click.command("serve", cls=Command)
@click.argument("db", metavar="FILE", type=FILE, required=False, envvar=variable_name("db"))
@app_option("Directory or import name of the app's code.", "the current directory")
@host_option()
@port_option("Port to listen on; 0 takes a free one.")
@site_port_option()
@origin_option("pages of every origin")
@behind_proxy_option()
@public_url_option()
@redact_errors_option("yes")
@option(
    "--log-format",
    type=click.Choice([each.value for each in LogFormat]),
    help="json: every call and every line of the log as an object, to standard output.",
    show_default="text",
)
@web_option()
@config_option()
def serve_command(
    db: Path | None,
    app: str | None,
    host: str | None,
    port: int | None,
    site_port: int | None,
    origin: tuple[str, ...],
    behind_proxy: str | None,
    public_url: str | None,
    redact_errors: bool | None,
    log_format: str | None,
    web: Path | None,
    config: Path | None,
) -> None:
    """Serve a deployment.

    FILE, or LIVEFILE_DB, is the database, made at the first start, which prints the admin key,
    once. Code in Python comes from --app, a directory where some imports livefile. Pushed
    code is in FILE. SIGTERM and Ctrl-C end the server once every answer under way is out.
    """
    given: dict[str, object] = {"db": db, "app": app, "host": host, "port": port, "web": web}
    given |= {"site_port": site_port, "origin": origin or None, "behind_proxy": behind_proxy}
    given |= {"public_url": public_url, "redact_errors": redact_errors}
    given["log_format"] = None if log_format is None else LogFormat(log_format)
    settings = load_config(given, config)
    if settings.db is None:
        raise click.UsageError("Missing argument 'FILE': the database to serve.")
    set_up_logging(log_format=settings.log_format)
    keep_files_private(settings.db)
    require_free_port(settings.host, settings.port)
    free_site = free_site_port(settings.host, settings.site_port, settings.port)
    code = load_code(settings.app)
    page = settings.web or project_of(code, settings.app).page
    run_key = make_run_key()
    opened = Livefile.open(settings.db, app=code, has_scheduler=False)  # Started once it serves.
    with opened as livefile, ExitStack() as notes:
        if settings.log_format is LogFormat.JSON:
            writer = notes.enter_context(closing(CallWriter(sys.stdout.buffer)))
            livefile.observe_calls(writer.write)
        show_new_admin_key(AdminKeys(livefile))

        def start(addresses: Addresses) -> None:
            notes.enter_context(note_while_serving(livefile.path, addresses.main, run_key))
            _tell(settings.db, livefile.app, addresses)

        serve(
            livefile,
            ServerSettings(
                host=settings.host,
                port=settings.port,
                site_port=free_site,
                web_root=page,
                access=AccessRules(settings.origin),
                proxies=Proxies(settings.proxies),
                public_url=settings.public_url,
                redacts_errors=settings.redact_errors is not False,
                run_admin_key=run_key,
            ),
            on_started=start,
        )


def _tell(db: Path | None, app: App, addresses: Addresses) -> None:
    click.echo(f"Serving {db} at {addresses.main}", err=True)
    if app.http_router is not None:
        click.echo(f"HTTP actions at {addresses.for_http_actions}", err=True)
