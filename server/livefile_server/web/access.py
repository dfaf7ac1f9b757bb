"""Which web pages may ask, and under which names this server may be asked for.

A browser sends requests for any page that it shows, and names that page's origin. While an app is
developed, only pages of this machine may ask: otherwise every page that the developer looks at
could read the app's data. Such a page may also have its own name lead to this machine; that is
told by the name in the request.

Not here: who signs in (``auth/``).
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from livefile import errors

_LOCAL_NAME = "localhost"


class AccessRules:
    """The rules for one server.

    ``origins`` are those of pages that may ask, such as ``https://chat.example``; without any,
    all may. With ``is_local`` pages of this machine may, those origins may, and nobody else;
    and the server answers only under names of this machine, addresses, and the names of the
    origins and of ``host``.
    """

    def __init__(
        self, origins: Iterable[str] = (), *, is_local: bool = False, host: str = _LOCAL_NAME
    ) -> None:
        self._origins = frozenset(origins)
        self._is_local = is_local
        self._names = {host.lower(), *(urlsplit(origin).hostname or "" for origin in self._origins)}

    def check(self, request: web.BaseRequest, *, is_api: bool) -> None:
        """Return if the request may be answered. Only the API asks for an origin.

        Raises:
            ForbiddenError: a page of this origin may not ask, or not under this name.
        """
        if self._is_local:
            self._check_host(request.headers.get(hdrs.HOST))
        if not is_api or not (self._is_local or self._origins):
            return
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or origin in self._origins:  # Without one it is no page of a browser.
            return
        if not (self._is_local and _is_local(_host_name_of_origin(origin))) and not (
            self._is_local and _is_same_origin(origin, request.headers.get(hdrs.HOST))
        ):
            raise errors.ForbiddenError(
                "OriginNotAllowed",
                f"Pages of {origin[:200]!r} may not ask here; allow them with --origin",
            )

    def _check_host(self, host: str | None) -> None:
        if host is None:
            return  # A browser always sends one.
        name = host_name(host)
        if name not in self._names and not _is_local(name) and not _is_address(name):
            raise errors.ForbiddenError(
                "HostNotAllowed",
                f"This server is not asked for as {host[:200]!r} while it is developed; "
                "allow it with --origin",
            )


def host_name(host: str) -> str:
    """Return the lower-case name in a Host header, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _host_name_of_origin(origin: str) -> str:
    scheme, separator, host = origin.partition("://")
    return host_name(host) if separator and scheme in ("http", "https") else ""


def _is_same_origin(origin: str, host: str | None) -> bool:
    return host is not None and origin.partition("://")[2].lower() == host.lower()


def _is_local(name: str) -> bool:
    if name == _LOCAL_NAME or name.endswith(f".{_LOCAL_NAME}"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
