"""``livefile serve``: run a deployment as it is, for use rather than for development."""

from pathlib import Path

import click

from livefile import App, Livefile
from livefile_server.auth.keys import AdminKeys
from livefile_server.cli.admin_key import show_new_admin_key
from livefile_server.cli.command import Command
from livefile_server.cli.options import (
    FILE,
    app_option,
    config_option,
    host_option,
    port_option,
    web_option,
)
from livefile_server.settings.config import load_config, variable_name
from livefile_server.settings.log import set_up_logging
from livefile_server.settings.port import require_free_port
from livefile_server.settings.project import Project
from livefile_server.web.serve import ServerSettings, serve


@click.command("serve", cls=Command)
@click.argument("db", metavar="FILE", type=FILE, required=False, envvar=variable_name("db"))
@app_option("Directory or import name of the app's code.", "the current directory")
@host_option()
@port_option("Port to listen on; 0 takes a free one.")
@web_option()
@config_option()
def serve_command(
    db: Path | None,
    app: str | None,
    host: str | None,
    port: int | None,
    web: Path | None,
    config: Path | None,
) -> None:
    """Serve a deployment.

    FILE, or LIVEFILE_DB, is the database, made at the first start. The first start prints the
    admin key, once. In this version the app's code comes from --app. SIGTERM and Ctrl-C end the
    server once every answer under way is out.
    """
    given = {"db": db, "app": app, "host": host, "port": port, "web": web}
    settings = load_config(given, config)
    if settings.db is None:
        raise click.UsageError("Missing argument 'FILE': the database to serve.")
    set_up_logging()
    require_free_port(settings.host, settings.port)
    code = App.load(settings.app)
    page = settings.web or Project(folder=code.path.parent, name=code.name).page
    with Livefile.open(settings.db, app=code) as livefile:
        show_new_admin_key(AdminKeys(livefile))
        serve(
            livefile,
            ServerSettings(host=settings.host, port=settings.port, web_root=page),
            on_started=lambda url: click.echo(f"Serving {settings.db} at {url}", err=True),
        )
