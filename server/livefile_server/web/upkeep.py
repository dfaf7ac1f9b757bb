"""Upkeep of the served file over HTTP: backup, check, export, import, freeze.

Only one process has the file open, so commands that are about it ask its server. The routes name
paths of the server's machine, so they are not for whoever has the deployment's admin key: they
want the key of this run, which lies beside the file for its owner's eyes only.

The answer is one JSON object a line: ``{"progress": ...}`` some times a second, then
``{"done": ...}`` or ``{"error": ...}``. Whoever closes the connection gives the work up.

Not here: what is done (``upkeep_work.py``, and the engine).
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

import orjson
from aiohttp import hdrs, web

from livefile import BackupError, Livefile, LivefileError, errors, limits
from livefile_server.auth.authenticate import SCHEME_LENGTH
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.function_request import json_response, read_body
from livefile_server.web.routes import Routes
from livefile_server.web.upkeep_work import FREEZE, THAW, UPKEEP_PATH, do_work

_LINE_INTERVAL_S = 0.1

_Progress = tuple[str, int, int]


class UpkeepApi:
    """The routes."""

    def __init__(self, livefile: Livefile, keys: AdminKeys) -> None:
        self._livefile = livefile
        self._keys = keys
        self._thawing = threading.Event()

    def add_routes(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add_post(UPKEEP_PATH + FREEZE, self.post_freeze)
        routes.add_post(UPKEEP_PATH + THAW, self.post_thaw)
        routes.add_pattern(hdrs.METH_POST, f"{UPKEEP_PATH}[a-z]+", self.post_work)

    async def post_work(self, request: web.BaseRequest) -> web.StreamResponse:
        """Do what the address names."""
        self._require_run_key(request)
        name = request.path.removeprefix(UPKEEP_PATH)
        args = await read_body(request)
        given_up = threading.Event()
        progress: list[_Progress] = [("", 0, 0)]

        def on_progress(stage: str, done: int, count: int) -> None:
            if given_up.is_set():
                raise BackupError("given up: nobody waits for it any more")
            progress[0] = (stage, done, count)

        return await _tell(
            request,
            lambda: do_work(self._livefile.upkeep, name, args, on_progress),
            progress,
            given_up,
        )

    async def post_freeze(self, request: web.BaseRequest) -> web.StreamResponse:
        """Freeze the file until ``thaw``, or until the connection is closed."""
        self._require_run_key(request)
        duration_ms = _duration_of(await read_body(request))
        progress: list[_Progress] = [("freezing", 0, 1)]
        thawing = threading.Event()

        def freeze() -> dict[str, object]:
            with self._livefile.upkeep.frozen(duration_ms):
                self._thawing = thawing
                progress[0] = ("frozen", 1, 1)
                thawing.wait(duration_ms / 1000 + 1)
            return {}

        return await _tell(request, freeze, progress, thawing)

    async def post_thaw(self, request: web.BaseRequest) -> web.StreamResponse:
        """Let the freeze end; its own answer says whether it lasted until now."""
        self._require_run_key(request)
        self._thawing.set()
        return json_response(b"{}")

    def _require_run_key(self, request: web.BaseRequest) -> None:
        self._keys.check_run_key(request.headers.get(hdrs.AUTHORIZATION, "")[SCHEME_LENGTH:])


async def _tell(
    request: web.BaseRequest,
    work: Callable[[], dict[str, object]],
    progress: list[_Progress],
    given_up: threading.Event,
) -> web.StreamResponse:
    """Do the work on a thread, and write how far it is until it is done."""
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/x-ndjson"})
    await response.prepare(request)
    with suppress(ConnectionResetError):  # Whoever asked is gone: an end, not a failure.
        await _tell_on(response, work, progress, given_up)
    return response


async def _tell_on(
    response: web.StreamResponse,
    work: Callable[[], dict[str, object]],
    progress: list[_Progress],
    given_up: threading.Event,
) -> None:
    doing = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        while not doing.done():
            stage, done, count = progress[0]
            await response.write(_line({"progress": {"stage": stage, "done": done, "of": count}}))
            await asyncio.wait({doing}, timeout=_LINE_INTERVAL_S)
    finally:
        given_up.set()  # It has ended, or nobody waits for it.
        if not doing.done():
            doing.add_done_callback(_heard)
    try:
        line = _line({"done": doing.result()})
    except LivefileError as error:
        line = _line({"error": {"code": error.code, "message": str(error)}})
    await response.write(line)
    await response.write_eof()


def _heard(doing: "asyncio.Future[dict[str, object]]") -> None:
    if not doing.cancelled():
        doing.exception()  # Else asyncio would say that nobody looked.


def _line(items: Mapping[str, object]) -> bytes:
    return orjson.dumps(items, option=orjson.OPT_APPEND_NEWLINE)


def _duration_of(args: Mapping[str, object]) -> int:
    duration_ms = args.get("durationMs")
    if not isinstance(duration_ms, int) or not 0 < duration_ms <= limits.FREEZE_DURATION_MS_MAX:
        raise errors.BadRequestError(
            "BadUpkeep",
            f"durationMs must be from 1 to {limits.FREEZE_DURATION_MS_MAX}; it is {duration_ms!r}",
        )
    return duration_ms
