"""Environment variables over HTTP, for the holder of the admin key.

Not here: what a name and a value may be (the engine).
"""

import asyncio
from collections.abc import Mapping
from functools import partial

import orjson
from aiohttp import web

from livefile import Livefile, LivefileError, errors
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.admin import require_admin
from livefile_server.web.function_request import json_response, read_body
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.routes import Routes

# The second are the names of the same routes in the versioned part of the protocol.
LIST_PATHS = ("/api/list_environment_variables", "/api/v1/list_environment_variables")
UPDATE_PATHS = ("/api/update_environment_variables", "/api/v1/update_environment_variables")


class EnvironmentApi:
    """The routes."""

    def __init__(self, livefile: Livefile, keys: AdminKeys, mailbox: Mailbox) -> None:
        self._livefile = livefile
        self._keys = keys
        self._mailbox = mailbox

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        for path in LIST_PATHS:
            routes.add_get(path, self.get)
        for path in UPDATE_PATHS:
            routes.add_post(path, self.post)

    async def get(self, request: web.BaseRequest) -> web.Response:
        """Return all variables with their values."""
        require_admin(request, self._keys)
        variables = await asyncio.to_thread(self._livefile.environment)
        return json_response(orjson.dumps({"environmentVariables": variables}))

    async def post(self, request: web.BaseRequest) -> web.Response:
        """Change some variables, all or none of them; a value of null removes one."""
        require_admin(request, self._keys)
        changes = _changes_of(await read_body(request))
        answered: asyncio.Future[LivefileError | None] = self._mailbox.loop.create_future()
        self._livefile.submit_environment(changes, partial(self._mailbox.post, _resolve, answered))
        error = await answered
        if error is not None:
            raise error
        return json_response(b"{}")


def _changes_of(body: Mapping[str, object]) -> dict[str, str | None]:
    items = body.get("changes")
    if not isinstance(items, list):
        raise errors.BadRequestError("BadJsonBody", "changes must be a list")
    changes: dict[str, str | None] = {}
    for item in items:
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str):
            raise errors.BadRequestError(
                "BadJsonBody", "each change must be an object with a name that is a string"
            )
        value = item.get("value")
        if value is not None and not isinstance(value, str):
            raise errors.BadRequestError(
                "BadJsonBody", f"the value of {name:.100} must be a string, or null to remove it"
            )
        if name in changes:
            raise errors.EnvironmentVariableError(
                "EnvVarNameNotUnique", f"{name:.100} is changed twice"
            )
        changes[name] = value
    return changes


def _resolve(answered: "asyncio.Future[LivefileError | None]", error: LivefileError | None) -> None:
    if not answered.done():  # The client may have gone.
        answered.set_result(error)
