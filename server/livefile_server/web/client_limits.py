"""How much one address of clients may have under way.

Addresses of this machine are not counted: there are its proxies, its tests and its own scripts.
Whoever serves behind a proxy of another machine names it (``proxies.py``); otherwise all clients
have the proxy's address and share one count.

Not here: what one socket may ask for (``sync/in_flight.py``, ``sync/state.py``).
"""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from livefile import errors


class PerAddress:
    """Counts one kind of thing by the address that has it, up to ``most`` for each."""

    def __init__(self, most: int, code: str, what: str) -> None:
        self._most = most
        self._code = code
        self._what = what
        self._counts: dict[str, int] = {}

    @contextmanager
    def one_more(self, address: str | None) -> Iterator[None]:
        """Count one more while the block runs.

        Raises:
            OverloadedError: the address has as many as it may have.
        """
        counted = counted_address(address)
        if counted is None:
            yield
            return
        count = self._counts.get(counted, 0)
        if count >= self._most:
            raise errors.OverloadedError(
                self._code, f"One address may have {self._most} {self._what}; {address} has them"
            )
        self._counts[counted] = count + 1
        try:
            yield
        finally:
            left = self._counts[counted] - 1
            if left:
                self._counts[counted] = left
            else:
                del self._counts[counted]


# Of each address, because taking one apart costs more than the rest of a small request.
@lru_cache(maxsize=10_000)
def counted_address(address: str | None) -> str | None:
    """Return what an address is counted as, None for one of this machine.

    Of an IPv6 address that is its network of 64 bits, all of which one client has.
    """
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None  # A socket of this machine's file system.
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            if parsed.is_loopback:
                return None
            return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))
        parsed = parsed.ipv4_mapped
    return None if parsed.is_loopback else str(parsed)
