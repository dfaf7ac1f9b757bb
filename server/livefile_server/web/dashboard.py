"""What Convex's dashboard asks over HTTP, beside the queries that it watches.

Not here: environment variables (``environment.py``), the log (``log_stream.py``).
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from livefile import FunctionError, Livefile, errors
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.admin import require_admin
from livefile_server.web.function_request import json_response, read_body
from livefile_server.web.routes import Routes

_OPERATIONS = (
    "ViewEnvironmentVariables",
    "WriteEnvironmentVariables",
    "ViewData",
    "WriteData",
    "ViewLogs",
    "ViewMetrics",
    "ViewBackups",
    "CreateBackups",
    "ImportBackups",
    "RunInternalQueries",
    "RunInternalMutations",
    "RunInternalActions",
    "RunTestQuery",
    "Deploy",
)
# Any: what a system function returns, whose form is its own.

_KEY_FACTS = {"success": True, "isReadOnly": False, "allowedOps": _OPERATIONS}


class DashboardApi:
    """The routes. What they do to documents is done by system functions of the engine."""

    def __init__(self, livefile: Livefile, keys: AdminKeys) -> None:
        self._livefile = livefile
        self._keys = keys

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add_get("/api/check_admin_key", self.get_key)
        routes.add_get("/api/shapes2", self.get_shapes)
        routes.add_post("/api/delete_tables", self.post_delete_tables)
        routes.add_post("/api/cancel_job", self.post_cancel_job)
        routes.add_post("/api/cancel_all_jobs", self.post_cancel_all_jobs)

    async def get_key(self, request: web.BaseRequest) -> web.Response:
        """Tell what the holder of this admin key may do: everything."""
        require_admin(request, self._keys)
        return json_response(orjson.dumps(_KEY_FACTS))

    async def get_shapes(self, request: web.BaseRequest) -> web.Response:
        """Return the shape of every table's documents."""
        require_admin(request, self._keys)
        component = request.query.get("component") or None
        shapes = await asyncio.to_thread(
            self._livefile.query, "_system/server/shapes", componentId=component
        )
        return json_response(orjson.dumps(shapes))

    async def post_delete_tables(self, request: web.BaseRequest) -> web.Response:
        """Remove all documents of some tables that no schema declares."""
        require_admin(request, self._keys)
        body = await read_body(request)
        names, component = body.get("tableNames"), _text_or_none(body, "componentId")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise errors.BadRequestError("BadJsonBody", "tableNames must be a list of strings")
        declared = self._livefile.app.schema.tables
        for name in names:
            if (f"{component}/{name}" if component else name) in declared:
                raise errors.BadRequestError(
                    "TableIsDeclared", f'table "{name:.100}" is in the schema; take it out first'
                )
        for name in names:
            has_more = True
            while has_more:
                cleared = await self._change(
                    "frontend/clearTablePage", tableName=name, componentId=component
                )
                has_more = cleared["hasMore"]
        return json_response(b"null")

    async def post_cancel_job(self, request: web.BaseRequest) -> web.Response:
        """Cancel one scheduled function."""
        require_admin(request, self._keys)
        id = _text_or_none(await read_body(request), "id")
        if id is None:
            raise errors.BadRequestError("BadJsonBody", "id must be a string")
        await self._change("server/jobs:cancel", id=id)
        return json_response(b"null")

    async def post_cancel_all_jobs(self, request: web.BaseRequest) -> web.Response:
        """Cancel all scheduled functions that wait, or those of one function."""
        require_admin(request, self._keys)
        path = _text_or_none(await read_body(request), "udfPath")
        while await self._change("server/jobs:cancelSome", udfPath=path):
            pass
        return json_response(b"null")

    async def _change(self, path: str, **args: object) -> Any:
        """Run a system mutation; what it refuses is the request's fault."""
        try:
            return await asyncio.to_thread(
                partial(self._livefile.mutation, f"_system/{path}", **args)
            )
        except (FunctionError, errors.InvalidDocumentIdError) as error:
            raise errors.BadRequestError("BadSystemArgument", str(error)) from error


def _text_or_none(body: Mapping[str, object], name: str) -> str | None:
    text = body.get(name)
    if text is not None and not isinstance(text, str):
        raise errors.BadRequestError(
            "BadJsonBody", f"{name} must be a string or null, not {text!r:.100}"
        )
    return text
