"""Routes for the holder of the admin key only, and for this machine only.

Not here: what those routes answer.
"""

import ipaddress

from aiohttp import hdrs, web

from livefile import errors
from livefile_server.auth.authenticate import SCHEME_LENGTH, check_admin_credentials
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.access import host_name

# What proxies add. A request that came through one is not from this machine, whoever handed it on.
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def require_admin(request: web.BaseRequest, keys: AdminKeys) -> None:
    """Return if the request carries the admin key.

    Raises:
        UnauthenticatedError: it carries another key, or none.
    """
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    if header[:SCHEME_LENGTH].lower() != "convex ":
        raise errors.UnauthenticatedError(
            "BadAdminKey", "This route needs `Authorization: Convex <admin key>`"
        )
    check_admin_credentials(header[SCHEME_LENGTH:].strip(), keys)


def is_from_here(request: web.BaseRequest) -> bool:
    """Tell whether a program on this machine asks, through no proxy and no page of a browser.

    A page can have its own name lead to this machine, so the name that was asked for counts too.
    """
    if hdrs.ORIGIN in request.headers or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    return _is_loopback(request.remote) and _is_loopback(host_name(request.host))


def _is_loopback(address: str | None) -> bool:
    if address == "localhost":
        return True
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
