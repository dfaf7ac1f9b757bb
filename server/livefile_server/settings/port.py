"""Whether an address is free to listen on, asked before anything is opened.

Asking first gives a clear error while the file is still closed. Another process may take the
port in between; then the server's own bind fails with the same error.

Not here: listening (``web/serve.py``).
"""

import errno
import socket

from livefile_server.settings.config import PORT_MAX
from livefile_server.settings.errors import ConfigError, PortTakenError


def require_free_port(host: str, port: int) -> None:
    """Return if a server could listen there.

    Raises:
        PortTakenError: another process listens there.
        ConfigError: the address is not this machine's, or needs more rights.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except socket.gaierror as error:
        raise ConfigError(f"host {host!r} is no address: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise port_taken(host, port) from error
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def first_free_port(host: str, port: int, tries: int) -> int:
    """Return the first free port of ``port`` and those after it, ``tries`` in all.

    Raises:
        PortTakenError: all of them are taken; names the first.
        ConfigError: as ``require_free_port``.
    """
    for candidate in range(port, min(port + tries, PORT_MAX + 1)):
        try:
            require_free_port(host, candidate)
        except PortTakenError:
            continue
        return candidate
    raise port_taken(host, port)


def free_site_port(host: str, wanted: int | None, port: int) -> int | None:
    """Return the port for HTTP actions beside ``port``: the wanted one, or the one after.

    None if none is wanted, or if nobody said which and that one cannot be had: HTTP actions are
    below ``/http/`` of the main port in any case. With port 0 it is any free one as well.

    Raises:
        PortTakenError: the wanted one is taken.
        ConfigError: as ``require_free_port``.
    """
    if wanted == 0:
        return None
    if wanted is not None:
        try:
            require_free_port(host, wanted)
        except PortTakenError as error:
            raise port_taken(host, wanted, "--site-port") from error
        return wanted
    if port == 0:
        return 0
    try:
        return first_free_port(host, port + 1, tries=1)
    except PortTakenError:
        return None


def port_taken(host: str, port: int, option: str = "--port") -> PortTakenError:
    """Return the error that says so."""
    return PortTakenError(
        f"port {port} on {host} is taken by another process; choose another with {option}"
    )
