"""HTTP actions of pushed code: the routes of its routers, and how each answers a request.

The engine knows which route answers; the router in the bundle finds the function. Both bodies come
and go a piece at a time, and each piece waits for the other side.

Not here: running what a route answers with (``action_run.py``); the routes of components
(``http_mounts.py``); the connection (the server).
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from livefile.functions.http_context import HttpActionCtx
from livefile.functions.http_message import Request, Response
from livefile.functions.http_router import HttpRouter
from livefile.javascript.action_hosts import ActionHosts
from livefile.javascript.action_run import ActionRun, begin_run
from livefile.javascript.http_mounts import MountedRoute, mounted_routes
from livefile.javascript.pushed_app import pushed_part
from livefile.javascript.pushed_code import PushedCode
from livefile.vocabulary.errors import AppError, DefinitionError

_MODULE = "http.js"
_ANY_BELOW = "*"

# Any: JSON.
Args = Mapping[str, Any]


def joined_router(
    hosts: ActionHosts, python: HttpRouter | None, code: PushedCode
) -> HttpRouter | None:
    """Return the routes of an app in Python together with those of pushed code, None without any.

    Raises:
        AppError: both have the same route.
    """
    routes = list(mounted_routes(code))
    if not routes:
        return python
    router = HttpRouter()
    own = python.routes if python is not None else ()
    for each in own:
        _add(router, each.method, each.path, each.handler, is_prefix=each.is_prefix)
    taken = {each.name for each in own}
    for route in routes:
        if (name := f"{route.method} {route.path}") in taken:
            raise AppError(
                f"{name} is answered by the app in Python and by the pushed http.js; change one of "
                "the two"
            )
        path = route.path.removesuffix(_ANY_BELOW) if route.is_prefix else route.path
        _add(router, route.method, path, _handler(hosts, route), is_prefix=route.is_prefix)
    return router


def _add(router: HttpRouter, method: str, path: str, handler: Any, *, is_prefix: bool) -> None:
    # Any: a handler, whose type only type checkers know (``http_router.py``).
    try:
        if is_prefix:
            router.route(prefix=path, methods=[method])(handler)
        else:
            router.route(path, methods=[method])(handler)
    except DefinitionError as error:
        raise AppError(f"http.js: {error}") from error


def _handler(hosts: ActionHosts, route: MountedRoute) -> Any:  # Any: as in ``_add``.
    async def answer(ctx: HttpActionCtx, request: Request) -> Response:
        return await _Answer(request).begin(hosts, ctx, route)

    return answer


class _Answer:
    """One request while it is answered. Its run goes on beside the task that sends the response."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._body = aiter(request.stream())
        self._head: asyncio.Future[Args] = asyncio.get_running_loop().create_future()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)

    async def begin(self, hosts: ActionHosts, ctx: HttpActionCtx, route: MountedRoute) -> Response:
        """Return the response once its head is known."""
        code = pushed_part(ctx._services.app)  # Apps do not see what is around them.
        definition = code.definition_of(route.component)
        path = route.component.function_path(_MODULE, "default")
        run, calls = await begin_run(hosts, ctx, code, path, definition, self._spec(route))
        calls.add(
            {
                "livefile/httpRead": self._read,
                "livefile/httpHead": self._take_head,
                "livefile/httpPiece": self._take_piece,
            }
        )
        result = self._start(run)
        either: set[asyncio.Future[Any]] = {result, self._head}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._head.done():
            return self._response(self._head.result(), self._sent_pieces(result))
        whole = orjson.loads(await result)
        return self._response(whole, base64.b64decode(whole["body"]))

    def _spec(self, route: MountedRoute) -> dict[str, Any]:
        request = self._request
        return {
            "module": _MODULE,
            "function": "default",
            "kind": "http",
            "requestId": "",
            # As the component knows it.
            "route": request.path.removeprefix(route.mount) or "/",
            "request": {
                "method": request.method,
                "url": request.url,
                "headerPairs": request.headers.pairs,
                "streamId": "body" if request.has_body else None,
                "signal": None,
            },
        }

    def _start(self, run: ActionRun) -> "asyncio.Task[str]":
        result = asyncio.create_task(run.result())
        # Whatever ends the task that answers, the caller's leaving for one, ends the run as well.
        answering = asyncio.current_task()
        assert answering is not None
        answering.add_done_callback(lambda _: result.cancel())
        # What the run raises after the answer has ended is nobody's.
        result.add_done_callback(lambda task: task.cancelled() or task.exception())
        return result

    def _response(self, head: Args, body: bytes | AsyncIterator[bytes]) -> Response:
        pairs = [(name, text) for name, text in head["headerPairs"]]
        return Response(body, status=int(head["status"]), headers=pairs)

    async def _read(self, args: Args) -> str:
        piece = await anext(self._body, None)
        return orjson.dumps(None if piece is None else base64.b64encode(piece).decode()).decode()

    async def _take_head(self, args: Args) -> str:
        self._head.set_result(args)
        return "null"

    async def _take_piece(self, args: Args) -> str:
        await self._pieces.put(base64.b64decode(args["piece"]))
        return "null"

    async def _sent_pieces(self, result: "asyncio.Task[str]") -> AsyncIterator[bytes]:
        while True:
            piece = asyncio.ensure_future(self._pieces.get())
            await asyncio.wait({piece, result}, return_when=asyncio.FIRST_COMPLETED)
            if not piece.done():
                piece.cancel()
                await result  # It has ended: well, or with an error that is raised here.
                return
            yield piece.result()
