"""Signing users in over HTTP: JSON in, JSON out, no cookies.

A page keeps the refresh token and hands the access token to its Convex client. There is nothing
that a browser sends by itself, so another page can do nothing in a user's name; and whoever asks
for JSON of another origin is subject to the rules of origins like everybody else.

Not here: what is done (the engine's ``accounts/``); signing in elsewhere (``oauth.py``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import orjson
from aiohttp import hdrs, web

from livefile import AccountService, Grant, Livefile, Visitor, errors
from livefile_server.auth.own_issuer import KEYS_PATH, OwnIssuer
from livefile_server.auth.providers import DISCOVERY_PATH
from livefile_server.auth.tokens import Tokens
from livefile_server.web.client_limits import counted_address
from livefile_server.web.function_request import json_response, read_body
from livefile_server.web.proxies import Proxies
from livefile_server.web.routes import Routes

PATH = "/api/auth/"

Body = Mapping[str, object]
Work = Callable[[Visitor, Body], Awaitable[object]]


class AccountApi:
    """The routes."""

    def __init__(
        self, livefile: Livefile, issuer: OwnIssuer, tokens: Tokens, proxies: Proxies
    ) -> None:
        self._livefile = livefile
        self._accounts: AccountService = livefile.accounts
        self._issuer = issuer
        self._tokens = tokens
        self._proxies = proxies

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        works: dict[str, Work] = {
            "sign_up": self._sign_up,
            "sign_in": self._sign_in,
            "anonymous": self._anonymous,
            "refresh": self._refresh,
            "sign_out": self._sign_out,
            "request_code": self._request_code,
            "verify_code": self._verify_code,
            "change_password": self._change_password,
        }
        for name, work in works.items():
            routes.add_post(PATH + name, partial(self._post, work))
        routes.add_get(DISCOVERY_PATH, self.get_discovery)
        routes.add_get(KEYS_PATH, self.get_keys)

    async def get_discovery(self, request: web.BaseRequest) -> web.Response:
        """Return the OpenID configuration of the deployment as an issuer."""
        self._require_accounts()
        return _public(await self._issuer.discovery(self._livefile.origins.cloud))

    async def get_keys(self, request: web.BaseRequest) -> web.Response:
        """Return the public keys of the deployment as an issuer, and of what functions sign."""
        keys: list[object] = [*await asyncio.to_thread(self._livefile.token_keys)]
        if self._accounts.configuration is not None:
            keys = [*await self._issuer.keys(), *keys]
        if not keys:
            raise web.HTTPNotFound
        return _public({"keys": keys})

    async def visitor_of(self, request: web.BaseRequest) -> Visitor:
        """Return who asks, and as whom, if the request has an access token of this deployment.

        Raises:
            UnauthenticatedError: its token is refused.
        """
        address = counted_address(self._proxies.client_address(request))
        header = request.headers.get(hdrs.AUTHORIZATION)
        if header is None:
            return Visitor(address=address)
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            raise errors.BadRequestError(
                "InvalidAuthHeader", "Want an access token: Authorization: Bearer <token>"
            )
        attributes = (await self._tokens.check(text.strip())).identity.attributes or {}
        is_own = attributes.get("issuer") == await self._issuer.name()
        return Visitor(address=address, user_id=str(attributes["subject"]) if is_own else None)

    async def answer(self, grant: Grant) -> dict[str, object]:
        """Return what a page gets for a session."""
        token = await self._issuer.issue(grant)
        return {
            "accessToken": token.text,
            "expiresMs": token.expires_ms,
            "refreshToken": grant.refresh_token,
            "userId": grant.user.id,
        }

    # --- The routes' work -------------------------------------------------------------------

    async def _sign_up(self, visitor: Visitor, body: Body) -> object:
        return await self._accounts.sign_up(
            visitor, body.get("email"), body.get("password"), body.get("name")
        )

    async def _sign_in(self, visitor: Visitor, body: Body) -> object:
        return await self._accounts.sign_in(visitor, body.get("email"), body.get("password"))

    async def _anonymous(self, visitor: Visitor, body: Body) -> object:
        return await self._accounts.sign_in_anonymously(visitor)

    async def _refresh(self, visitor: Visitor, body: Body) -> object:
        return await self._accounts.refresh(body.get("refreshToken"))

    async def _sign_out(self, visitor: Visitor, body: Body) -> object:
        is_everywhere = body.get("everywhere", False)
        if not isinstance(is_everywhere, bool):
            raise errors.BadRequestError(
                "BadJsonBody", f"everywhere must be true or false, not {is_everywhere!r:.60}"
            )
        await self._accounts.sign_out(body.get("refreshToken"), is_everywhere=is_everywhere)
        return None

    async def _request_code(self, visitor: Visitor, body: Body) -> object:
        return await self._accounts.request_code(
            visitor, body.get("email"), body.get("purpose", "signIn")
        )

    async def _verify_code(self, visitor: Visitor, body: Body) -> object:
        return await self._accounts.verify_code(
            visitor, body.get("ticket"), body.get("code"), body.get("newPassword")
        )

    async def _change_password(self, visitor: Visitor, body: Body) -> object:
        return await self._accounts.change_password(
            visitor, body.get("password"), body.get("newPassword")
        )

    async def _post(self, work: Work, request: web.BaseRequest) -> web.Response:
        body = await read_body(request)
        # A page whose access token is over asks for another one with what is left.
        is_token_read = work not in (self._refresh, self._sign_out)
        visitor = await self.visitor_of(request) if is_token_read else Visitor()
        done = await work(visitor, body)
        answer: object = {}
        if isinstance(done, Grant):
            answer = await self.answer(done)
        elif done is not None:
            answer = {"ticket": done}
        response = json_response(orjson.dumps(answer))
        response.headers[hdrs.CACHE_CONTROL] = "no-store"
        return response

    def _require_accounts(self) -> None:
        if self._accounts.configuration is None:
            raise web.HTTPNotFound


def _public(document: Mapping[str, object]) -> web.Response:
    """Return a response that everybody may read, and keep for a while."""
    response = json_response(orjson.dumps(document))
    response.headers[hdrs.CACHE_CONTROL] = "public, max-age=600"
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
    return response
