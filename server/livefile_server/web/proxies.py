"""Who really asks, when a proxy hands requests on.

A proxy tells of its client in headers, and so can everybody else. They are believed only if the
connection comes from an address that the operator named.

Not here: what is done with the address (``client_limits.py``) and the scheme
(``http_actions.py``).
"""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORWARDED_PROTO = re.compile(r'(?:^|[;,\s])proto="?(https?)\b', re.IGNORECASE)
_SCHEMES = ("http", "https")


class Proxies:
    """The proxies that are trusted, by their addresses."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)
        # Of each address, because taking one apart costs more than the rest of a small request.
        self._is_trusted = lru_cache(maxsize=1_000)(self._is_in_networks)

    def client_address(self, request: web.BaseRequest) -> str | None:
        """Return the address of whoever asks, None if the connection has none.

        Of the addresses that proxies noted, the last that is no proxy itself.
        """
        address = request.remote
        if not self._networks or not self._is_trusted(address):
            return address
        noted = ",".join(request.headers.getall("X-Forwarded-For", ()))
        for each in reversed(noted.split(",")):
            candidate = each.strip()
            if not _is_address(candidate):
                break
            address = candidate
            if not self._is_trusted(candidate):
                break
        return address

    def scheme(self, request: web.BaseRequest) -> str:
        """Return ``https`` or ``http``: how the client reaches the first proxy."""
        if not self._networks or not self._is_trusted(request.remote):
            return "http"
        scheme = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
        if scheme in _SCHEMES:
            return scheme
        forwarded = _FORWARDED_PROTO.search(request.headers.get("Forwarded", ""))
        return "http" if forwarded is None else forwarded[1].lower()

    def _is_in_networks(self, address: str | None) -> bool:
        try:
            parsed = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
