"""The options that several commands share. Each has its ``LIVEFILE_`` variable.

Options of a server have no default here: what is not given comes from ``livefile.toml`` or from
the default there (``settings/config.py``), which the help texts name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from livefile_server.settings.config import HOST_DEFAULT, PORT_DEFAULT, PORT_MAX, variable_name

Decorated = TypeVar("Decorated", bound=Callable[..., Any])  # Any: commands differ in parameters.
Decorator = Callable[[Decorated], Decorated]

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


def option(name: str, **attributes: Any) -> Decorator[Any]:  # Any: as in click.option.
    """Return an option with its environment variable, both in the help."""
    variable = variable_name(name.partition("/")[0])  # Of a pair of flags the first.
    return click.option(name, envvar=variable, show_envvar=True, **attributes)


def app_argument() -> Decorator[Any]:
    """Return the argument APP."""
    return click.argument("app", required=False, envvar=variable_name("app"))


def app_option(explanation: str, default: str | None = None) -> Decorator[Any]:
    """Return the option ``--app``."""
    return option("--app", metavar="APP", help=explanation, show_default=default)


def db_option(explanation: str, default: str | None = None) -> Decorator[Any]:
    """Return the option ``--db``."""
    return option("--db", type=FILE, metavar="FILE", help=explanation, show_default=default)


def host_option() -> Decorator[Any]:
    """Return the option ``--host``."""
    return option(
        "--host",
        metavar="ADDRESS",
        help="Address to listen on; 0.0.0.0 for all of this machine.",
        show_default=HOST_DEFAULT,
    )


def port_option(explanation: str) -> Decorator[Any]:
    """Return the option ``--port``."""
    return option(
        "--port",
        type=click.IntRange(0, PORT_MAX),
        metavar="N",
        help=explanation,
        show_default=str(PORT_DEFAULT),
    )


def site_port_option() -> Decorator[Any]:
    """Return the option ``--site-port``."""
    return option(
        "--site-port",
        type=click.IntRange(0, PORT_MAX),
        metavar="N",
        help="Second port, for HTTP actions alone; 0 for none.",
        show_default="the one after --port, if it is free",
    )


def origin_option(default: str) -> Decorator[Any]:
    """Return the option ``--origin``."""
    return option(
        "--origin",
        multiple=True,
        metavar="ORIGIN",
        help="Web page that may ask, such as https://chat.example; may be repeated.",
        show_default=default,
    )


def behind_proxy_option() -> Decorator[Any]:
    """Return the option ``--behind-proxy``."""
    return option(
        "--behind-proxy",
        metavar="ADDRESSES",
        help="Proxies whose X-Forwarded- headers are believed, such as 127.0.0.1,10.0.0.0/8.",
        show_default="none",
    )


def public_url_option() -> Decorator[Any]:
    """Return the option ``--public-url``."""
    return option(
        "--public-url",
        metavar="URL",
        help="Where clients reach the deployment, such as https://api.chat.example, for links.",
        show_default="where it listens",
    )


def redact_errors_option(default: str) -> Decorator[Any]:
    """Return the option ``--redact-errors``."""
    return option(
        "--redact-errors/--no-redact-errors",
        default=None,
        help="Send clients neither the texts of failures nor what functions print.",
        show_default=default,
    )


def web_option() -> Decorator[Any]:
    """Return the option ``--web``."""
    return option(
        "--web",
        type=FOLDER,
        metavar="DIR",
        help="Built page to show at /.",
        show_default="web/dist beside the app's package",
    )


def out_option() -> Decorator[Any]:
    """Return the option ``--out``."""
    return option(
        "--out",
        type=FOLDER,
        metavar="DIR",
        help="Where the types go.",
        show_default="web/convex/_generated, or convex/_generated where there is no web/",
    )


def config_option() -> Decorator[Any]:
    """Return the option ``--config``."""
    return option(
        "--config",
        type=FILE,
        metavar="FILE",
        help="File of options in TOML.",
        show_default="livefile.toml in the app's directory",
    )


def json_option(explanation: str) -> Decorator[Any]:
    """Return the flag ``--json``."""
    return option("--json", is_flag=True, help=explanation)
