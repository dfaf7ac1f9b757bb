"""The routes of signing in at another issuer.

Not here: what is checked (``auth/oauth.py``).
"""

import asyncio
from urllib.parse import quote, urlencode

import orjson
from aiohttp import hdrs, web

from livefile import Livefile, errors
from livefile_server.auth.oauth import CALLBACK_PATH, Client, OAuthFlow, is_allowed_return, refused
from livefile_server.web.accounts import PATH, AccountApi
from livefile_server.web.function_request import json_response, read_body
from livefile_server.web.routes import Routes


class OAuthApi:
    """The routes."""

    def __init__(self, livefile: Livefile, accounts: AccountApi, flow: OAuthFlow) -> None:
        self._livefile = livefile
        self._accounts = accounts
        self._flow = flow

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add_post(f"{PATH}oauth/start", self.start)
        routes.add_get(CALLBACK_PATH, self.callback)
        routes.add_post(f"{PATH}oauth/finish", self.finish)

    async def start(self, request: web.BaseRequest) -> web.Response:
        """Return the address to which the page is to go."""
        body = await read_body(request)
        client = await self._client(str(body.get("provider")))
        return_to = body.get("returnTo")
        if not isinstance(return_to, str) or not is_allowed_return(return_to, self._origins()):
            raise errors.BadRequestError(
                "ReturnNotAllowed",
                f"A sign-in cannot come back to {return_to!r:.200}: it is no page of the "
                "deployment or of return_to in Accounts",
            )
        url = await self._flow.start(client, return_to, body.get("challenge"))
        return _fresh(json_response(orjson.dumps({"url": url})))

    async def callback(self, request: web.BaseRequest) -> web.Response:
        """Take the issuer's word, and send the browser back to the page."""
        query = request.query
        begun = self._flow.take(query.get("state", ""))
        try:
            if "code" not in query:
                raise refused("the user or the issuer said no")
            code = await self._flow.exchange(begun, query["code"], query.get("iss"))
            result = {"livefile_code": code}
        except (errors.UnauthenticatedError, errors.OverloadedError) as error:
            result = {"livefile_error": error.code}
        location = f"{begun.return_to}#{urlencode(result, quote_via=quote)}"
        return _fresh(
            web.Response(
                status=302, headers={hdrs.LOCATION: location, "Referrer-Policy": "no-referrer"}
            )
        )

    async def finish(self, request: web.BaseRequest) -> web.Response:
        """Begin a session."""
        body = await read_body(request)
        visitor = await self._accounts.visitor_of(request)
        proof = self._flow.finish(body.get("code"), body.get("verifier"))
        self._livefile.accounts.require().require_oauth(proof.provider.removeprefix("oauth:"))
        grant = await self._livefile.accounts.sign_in_by(visitor, proof)
        return _fresh(json_response(orjson.dumps(await self._accounts.answer(grant))))

    async def _client(self, name: str) -> Client:
        method = self._livefile.accounts.require().require_oauth(name)
        secret = method.client_secret
        if method.client_secret_variable is not None:
            variables = await asyncio.to_thread(self._livefile.environment)
            secret = variables.get(method.client_secret_variable, "")
        return Client(
            name=method.name,
            issuer=method.issuer,
            client_id=method.client_id,
            client_secret=secret,
            scopes=method.scopes,
            redirect_uri=self._own_address() + CALLBACK_PATH,
        )

    def _origins(self) -> frozenset[str]:
        return frozenset({self._own_address(), *self._livefile.accounts.require().return_to})

    def _own_address(self) -> str:
        return self._livefile.accounts.require().issuer or self._livefile.origins.cloud


def _fresh(response: web.Response) -> web.Response:
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response
