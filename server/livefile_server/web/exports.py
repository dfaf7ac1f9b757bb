"""Exports over HTTP, as `npx convex export` makes them: asked for, waited for, then fetched.

How an export goes is told by the query ``_system/cli/exports:getLatest``. The last one is kept
until the server ends.

Not here: the export itself (the engine's ``transfers``); `livefile export` (``upkeep.py``).
"""

import asyncio

from aiohttp import hdrs, web

from livefile import Livefile, errors
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.admin import require_admin
from livefile_server.web.function_request import json_response
from livefile_server.web.routes import Routes

_PATH = "/api/export/zip/"


class ExportApi:
    """The routes."""

    def __init__(self, livefile: Livefile, keys: AdminKeys, instance_name: str) -> None:
        self._transfers = livefile.transfers
        self._keys = keys
        self._instance_name = instance_name

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add_post("/api/export/request/zip", self.post)
        routes.add_pattern(hdrs.METH_GET, f"{_PATH}[0-9]{{1,20}}", self.get)

    async def post(self, request: web.BaseRequest) -> web.Response:
        """Begin an export, with the stored files if they are wanted."""
        require_admin(request, self._keys)
        if request.query.get("component"):
            raise errors.BadRequestError(
                "BadExport", "an export is of the whole deployment; leave component out"
            )
        has_files = request.query.get("includeStorage") == "true"
        await asyncio.to_thread(self._transfers.begin_export, has_files=has_files)
        return json_response(b"null")

    async def get(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send the last export, which the address names by its timestamp."""
        require_admin(request, self._keys)
        start_ts = int(request.path.removeprefix(_PATH))
        path = self._transfers.find_export(start_ts)
        if path is None:
            raise errors.BadRequestError(
                "ExportNotFound", f"there is no export of {start_ts} any more; ask for another"
            )
        name = f"snapshot_{self._instance_name}_{start_ts}.zip"
        response = web.FileResponse(path)
        response.headers[hdrs.CONTENT_TYPE] = "application/zip"
        response.headers[hdrs.CONTENT_DISPOSITION] = f"attachment; filename={name}"
        return response
