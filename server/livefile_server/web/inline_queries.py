"""Inline queries over HTTP: ``npx convex run --inline-query``, and the dashboard's editor.

For the holder of the admin key, who may act as a user. The query runs on a thread beside the
engine's own.

Not here: running one (the engine).
"""

import asyncio

from aiohttp import hdrs, web

from livefile import Failure, Livefile, Outcome, Value, errors
from livefile_server.auth.authenticate import Authenticator
from livefile_server.auth.keys import AdminKeys
from livefile_server.sync.arguments import decode_arguments
from livefile_server.web.admin import require_admin
from livefile_server.web.function_request import (
    encode_outcome,
    json_response,
    parse_format,
    read_body,
    request_id_of,
)
from livefile_server.web.routes import Routes

_SHOWN_PATH = "inline:default"


class InlineQueryApi:
    """The route."""

    def __init__(self, livefile: Livefile, keys: AdminKeys, authenticator: Authenticator) -> None:
        self._livefile = livefile
        self._keys = keys
        self._authenticator = authenticator

    def add_routes(self, routes: Routes) -> None:
        """Add the route."""
        routes.add_post("/api/run_test_function", self.post)

    async def post(self, request: web.BaseRequest) -> web.Response:
        """Run the query in the body, once."""
        require_admin(request, self._keys)
        identity = await self._authenticator.identify(request.headers.get(hdrs.AUTHORIZATION))
        body = await read_body(request)
        result_format = parse_format(body.get("format"), request)
        source, component = _source_of(body), _component_of(body)
        request_id = request_id_of(request)
        outcome: Outcome
        try:
            args: dict[str, Value] = decode_arguments(_SHOWN_PATH, body.get("args", {}))
        except (errors.ArgumentValidationError, errors.InvalidValueError) as error:
            outcome = Failure(message=f"[Request ID: {request_id}] Server Error\n{error}")
        else:
            outcome = await asyncio.to_thread(
                self._livefile.inline_queries.run, source, args, component, identity, request_id
            )
        return json_response(encode_outcome(outcome, result_format))


def _source_of(body: object) -> str:
    match body:
        case {"bundle": {"source": str(source)}}:
            return source
        case _:
            raise errors.BadRequestError(
                "BadJsonBody", "The body must have the query's module as {bundle: {source: string}}"
            )


def _component_of(body: object) -> str:
    """Return the path of the component that is meant; its id is its path."""
    match body:
        case {"componentId": str(path)}:
            return path
        case {"componentId": other} if other is not None:
            raise errors.BadRequestError(
                "BadJsonBody", f"componentId must be a string or null, not {other!r:.100}"
            )
        case _:
            return ""
