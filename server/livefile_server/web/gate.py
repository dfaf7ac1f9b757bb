"""Who is let in: the rules that hold for a request before anybody looks at what it wants.

Not here: the rules themselves (``access.py``, ``client_limits.py``); who signs in (``auth/``).
"""

from contextlib import AbstractContextManager

from aiohttp import web

from livefile import errors, limits
from livefile_server.web.access import AccessRules
from livefile_server.web.caller import note_address
from livefile_server.web.client_limits import PerAddress, counted_address
from livefile_server.web.errors import error_response
from livefile_server.web.proxies import Proxies
from livefile_server.web.routes import Handler


class Gate:
    """The gate of one server, with a count of what each address has under way."""

    def __init__(self, access: AccessRules | None = None, proxies: Proxies | None = None) -> None:
        self.proxies = proxies or Proxies()
        self._access = access or AccessRules()
        self._requests = PerAddress(
            limits.REQUESTS_PER_ADDRESS_MAX, "TooManyConcurrentRequests", "requests under way"
        )
        self._sockets = PerAddress(limits.SOCKETS_PER_ADDRESS_MAX, "TooManySockets", "sockets")

    async def let_in(
        self, request: web.BaseRequest, handler: Handler, *, is_api: bool
    ) -> web.StreamResponse:
        """Let ``handler`` answer, or answer with why it may not."""
        try:
            self._access.check(request, is_api=is_api)
            address = self.proxies.client_address(request)
            note_address(request, address)
            if counted_address(address) is None:
                return await handler(request)  # Without the cost of a context.
            with self._requests.one_more(address):
                return await handler(request)
        except (errors.ForbiddenError, errors.OverloadedError) as error:
            return error_response(error)

    def one_more_socket(self, request: web.BaseRequest) -> AbstractContextManager[None]:
        """Count a socket while the block runs; ``OverloadedError`` if there are too many."""
        return self._sockets.one_more(self.proxies.client_address(request))
