"""Pushes of TypeScript over HTTP: what Convex's command line asks for on ``npx convex dev``.

Everything is for the holder of the admin key, whom the header names and, in most bodies, a field
as well. What blocks runs on threads: analysis, and the wait for documents and indexes.

Not here: what a push is and does (the engine).
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import orjson
from aiohttp import web

from livefile import Livefile, errors, limits
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.admin import require_admin
from livefile_server.web.function_request import json_response
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.packed_body import read_packed_body
from livefile_server.web.routes import Handler, Routes

PUSH_PATH = "/api/deploy2/"

_Body = Mapping[str, object]
_Answer = Callable[[_Body], object]


class PushApi:
    """The routes."""

    def __init__(self, livefile: Livefile, keys: AdminKeys, mailbox: Mailbox) -> None:
        self._livefile = livefile
        self._keys = keys
        self._mailbox = mailbox

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        pushes = self._livefile.pushes
        routes.add_get("/api/v1/get_canonical_urls", self.get_addresses)
        routes.add_post("/api/get_config_hashes", self._answers(lambda _: pushes.config_hashes()))
        answers: Mapping[str, _Answer] = {
            "evaluate_schema": pushes.evaluate_schema,
            "evaluate_push": pushes.evaluate_push,
            "start_push": pushes.start,
            "finish_push": self._finish,
            "report_push_completed": lambda _: None,  # What took the client how long.
        }
        for name, answer in answers.items():
            routes.add_post(PUSH_PATH + name, self._answers(answer))
        routes.add_post(f"{PUSH_PATH}wait_for_schema", self.post_wait)
        for name in ("prepare_schema", "push_config"):
            routes.add_post(f"/api/{name}", self._answers(_refuse_old))

    async def get_addresses(self, request: web.BaseRequest) -> web.Response:
        """Return where clients reach the deployment, and where its HTTP actions answer."""
        require_admin(request, self._keys)
        origins = self._livefile.origins
        return json_response(
            orjson.dumps({"convexCloudUrl": origins.cloud, "convexSiteUrl": origins.site})
        )

    def _answers(self, answer: _Answer) -> Handler:
        return partial(self._post, answer)

    async def post_wait(self, request: web.BaseRequest) -> web.Response:
        """Have the file prepared; answer once it is, or with how far it is after a while."""
        body = await self._body(request)
        duration_s = _duration_s(body)
        change = _object(body, "schemaChange")
        push = await asyncio.to_thread(self._livefile.pushes.prepare, change)
        if push is None:
            return json_response(b'{"type":"raceDetected"}')
        prepared: asyncio.Future[None] = self._mailbox.loop.create_future()
        push.prepared.add_done_callback(lambda _: self._mailbox.post(_resolve, prepared))
        with suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await prepared
        return json_response(orjson.dumps(push.state))

    async def _post(self, answer: _Answer, request: web.BaseRequest) -> web.Response:
        body = await self._body(request)
        return json_response(await asyncio.to_thread(_encoded, answer, body))

    async def _body(self, request: web.BaseRequest) -> _Body:
        require_admin(request, self._keys)
        body = await read_packed_body(request)
        key = body.get("adminKey")
        if key is not None:
            self._keys.check(_text(key, "adminKey"))
        return body

    def _finish(self, body: _Body) -> object:
        return self._livefile.pushes.finish(
            _object(body, "startPush"), is_dry_run=body.get("dryRun") is True
        )


def _refuse_old(_: _Body) -> object:
    """Refuse a push as command lines began it before 1.28."""
    raise errors.BadRequestError(
        "ConvexPackageTooOld",
        "the npm package convex of this project is older than 1.28, and pushes in a way that is "
        "gone; run `npm install convex@latest`",
    )


def _resolve(prepared: "asyncio.Future[None]") -> None:
    if not prepared.done():
        prepared.set_result(None)


def _duration_s(body: _Body) -> float:
    timeout_ms = body.get("timeoutMs")
    if not isinstance(timeout_ms, int | float):
        raise errors.BadRequestError(
            "BadJsonBody", f"timeoutMs must be a number, not {timeout_ms!r:.100}"
        )
    return min(max(timeout_ms, 0), limits.PUSH_WAIT_MS_MAX) / 1000


def _encoded(answer: _Answer, body: _Body) -> bytes:
    return orjson.dumps(answer(body))


def _object(body: _Body, name: str) -> _Body:
    found = body.get(name)
    if not isinstance(found, dict):
        raise errors.BadRequestError("BadJsonBody", f"{name} must be an object, not {found!r:.100}")
    return found


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise errors.BadRequestError("BadJsonBody", f"{name} must be a string, not {value!r:.100}")
    return value
