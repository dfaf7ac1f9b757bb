"""Fetching an issuer's keys: one GET that cannot be led elsewhere.

What is asked for is named by the app's configuration, or by the issuer's own. Even so an issuer
must not make this server knock at doors inside the operator's network: only addresses of the
public internet are connected to, as DNS gives them at that moment, redirects are not followed,
and nothing but https is spoken. An issuer on this machine, for development, is the exception.

Not here: how often (``auth/key_cache.py``) and what the answer means.
"""

import asyncio
import ipaddress
import socket
from base64 import b64encode
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote_plus

from aiohttp import ClientError, ClientSession, DummyCookieJar, TCPConnector, hdrs
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from livefile import limits
from livefile_server.auth.key_cache import Fetched, FetchError

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# Networks of version 6 whose last 32 bits are an address of version 4.
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))


async def fetch_keys(address: str, is_local_allowed: bool) -> Fetched:
    """Return what a server answers at an address; ``is_local_allowed`` lets it be on this machine.

    Raises:
        FetchError: the address may not be asked, or there is no answer of an allowed size.
    """
    return await _ask(hdrs.METH_GET, address, is_local_allowed)


async def post_form(
    address: str,
    is_local_allowed: bool,
    form: Mapping[str, str],
    basic: tuple[str, str] | None,
) -> Fetched:
    """Return what a server answers to a form; ``basic`` are a name and a secret for the header.

    Raises:
        FetchError: as of ``fetch_keys``.
    """
    headers: dict[str, str] = {}
    if basic is not None:
        # OAuth 2.0 wants both encoded as in a form, before they are joined.
        name, secret = (quote_plus(part) for part in basic)
        joined = b64encode(f"{name}:{secret}".encode()).decode()
        headers[hdrs.AUTHORIZATION] = f"Basic {joined}"
    async with asyncio.timeout(limits.KEY_FETCH_DURATION_MS_MAX / 1000):
        return await _ask(hdrs.METH_POST, address, is_local_allowed, form, headers)


async def _ask(
    method: str,
    address: str,
    is_local_allowed: bool,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fetched:
    url = _checked(address, is_local_allowed)
    connector = TCPConnector(
        resolver=_GuardedResolver(is_local_allowed), use_dns_cache=False, limit=1
    )
    try:
        async with (
            ClientSession(
                connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False
            ) as session,
            session.request(
                method,
                url,
                allow_redirects=False,
                data=form,
                headers={
                    hdrs.ACCEPT: "application/json",
                    hdrs.ACCEPT_ENCODING: "identity",
                    **(headers or {}),
                },
            ) as response,
        ):
            body = b""
            while chunk := await response.content.readany():
                body += chunk
                if len(body) > limits.KEY_SET_SIZE_BYTES_MAX:
                    raise FetchError(f"more than {limits.KEY_SET_SIZE_BYTES_MAX} bytes")
            return Fetched(status=response.status, content_type=response.content_type, body=body)
    except (ClientError, OSError, ValueError) as error:
        raise FetchError(str(error) or type(error).__name__) from error


def is_allowed(address: _Address, is_local_allowed: bool) -> bool:
    """Tell whether a connection to an IP address may be made."""
    every = (address, *_inside(address))
    if is_local_allowed and every[-1].is_loopback:
        return True
    return all(each.is_global and not each.is_multicast for each in every)


def _checked(address: str, is_local_allowed: bool) -> URL:
    try:
        url = URL(address)
    except ValueError as error:
        raise FetchError(f"no address: {error}") from error
    host = url.host
    if not host or url.user is not None:
        raise FetchError("an address needs a host and must not have a user")
    literal = _literal(host)
    if literal is not None and not is_allowed(literal, is_local_allowed):
        raise FetchError(f"{host} is not an address of the public internet")
    is_local = host == "localhost" or (literal is not None and literal.is_loopback)
    if url.scheme != "https" and not (url.scheme == "http" and is_local and is_local_allowed):
        raise FetchError("only https:// is allowed")
    return url


# aiohttp asks no resolver for what is an IP address already.
def _literal(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _inside(address: _Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the addresses of version 4 that one of version 6 leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _TRANSLATED):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return tuple(each for each in found if each is not None)


class _GuardedResolver(AbstractResolver):
    """Gives the addresses of a name to which a connection may be made."""

    def __init__(self, is_local_allowed: bool) -> None:
        self._is_local_allowed = is_local_allowed
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [
            each
            for each in found
            if is_allowed(ipaddress.ip_address(each["host"]), self._is_local_allowed)
        ]
        if not allowed:
            raise OSError(f"{host} has no address of the public internet")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()
