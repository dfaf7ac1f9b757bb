"""What Convex's cloud says of accounts, so that ``npx convex mcp start`` needs none.

That command asks, before each of its tools, whether its user is signed in to Convex's cloud. With
``CONVEX_PROVISION_HOST`` it asks here instead, and the account is the admin key.
"""

from aiohttp import hdrs, web

from livefile import errors
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.function_request import json_response
from livefile_server.web.routes import Routes

_SCHEME = "bearer "


class CloudAccount:
    """The routes."""

    def __init__(self, keys: AdminKeys) -> None:
        self._keys = keys

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add_get("/api/authorize", self.get)
        routes.add_post("/api/check_opt_ins", self.post_terms)

    async def get(self, request: web.BaseRequest) -> web.Response:
        """Answer whoever has the admin key as the token of an account."""
        self._check(request)
        return json_response(b"null")

    async def post_terms(self, request: web.BaseRequest) -> web.Response:
        """Return the terms that are to be accepted first: none. The body is not read."""
        self._check(request)
        return json_response(b'{"optInsToAccept":[]}')

    def _check(self, request: web.BaseRequest) -> None:
        header = request.headers.get(hdrs.AUTHORIZATION, "")
        if header[: len(_SCHEME)].lower() != _SCHEME:
            raise errors.UnauthenticatedError(
                "BadAdminKey", "This route needs `Authorization: Bearer <admin key>`"
            )
        self._keys.check(header[len(_SCHEME) :].strip())
