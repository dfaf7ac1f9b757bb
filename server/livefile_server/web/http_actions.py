"""HTTP actions on their way in and out: the app's own answers to HTTP requests.

They are served under ``/http/`` of the main address, and at the root of a second port. The
actions run on a thread of their own; the pieces of both bodies cross over between two event loops.

No header for pages of other origins is added: that is the app's affair here.

Not here: which action answers what, and running it (the engine's ``http_router.py`` and
``http_actions.py``).
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import orjson
from aiohttp import hdrs, web

from livefile import (
    ANONYMOUS,
    Failure,
    HttpAnswer,
    HttpCall,
    HttpOutcome,
    Livefile,
    LivefileError,
    errors,
    limits,
)
from livefile_server.auth.authenticate import Authenticator
from livefile_server.sync.redaction import Redaction
from livefile_server.web.caller import caller_of
from livefile_server.web.errors import error_response, error_text_response
from livefile_server.web.function_request import request_id_of
from livefile_server.web.late_coroutine import LateCoroutine
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.middleware import tell_to_continue
from livefile_server.web.proxies import Proxies
from livefile_server.web.routes import Routes

T = TypeVar("T")

PREFIX = "/http"
_PIECE_WAIT_S_MAX = limits.HTTP_BODY_WAIT_MS_MAX / 1000
_WITHOUT_BODY = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
_TOO_LARGE = "HttpRequestTooLarge"
# Errors of reading a request, which are the client's; every other error of an action is the app's.
_CLIENT_STATUSES = {"BadJsonBody": 400, _TOO_LARGE: 413}


class HttpActionApi:
    """Hands requests to the HTTP actions of ``livefile``; answers come through ``mailbox``."""

    def __init__(
        self,
        livefile: Livefile,
        authenticator: Authenticator,
        mailbox: Mailbox,
        proxies: Proxies,
        redaction: Redaction,
    ) -> None:
        self._livefile = livefile
        self._authenticator = authenticator
        self._mailbox = mailbox
        self._proxies = proxies
        self._redaction = redaction

    def add_routes(self, routes: Routes) -> None:
        """Take every path below ``/http/``."""
        routes.add_below(f"{PREFIX}/", self.answer_below_prefix)

    async def answer_below_prefix(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request whose path begins with ``/http/``; the action sees it without."""
        return await self._answer(request, len(PREFIX))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request on the port for HTTP actions."""
        if hdrs.EXPECT in request.headers:
            await tell_to_continue(request)
        return await self._answer(request, 0)

    async def _answer(self, request: web.BaseRequest, prefix_length: int) -> web.StreamResponse:
        if (request.content_length or 0) > limits.HTTP_ACTION_BODY_SIZE_BYTES_MAX:
            mib = limits.HTTP_ACTION_BODY_SIZE_BYTES_MAX // limits.MIB
            text = f"HTTP actions support requests up to {mib} MiB"
            return error_text_response(413, _TOO_LARGE, text)
        call = await self._call(request, prefix_length)
        channel = _Channel(self._mailbox.loop, request)
        answered: asyncio.Future[HttpOutcome | LivefileError] = self._mailbox.loop.create_future()
        try:
            self._livefile.submit_http(
                call, channel, partial(self._mailbox.post, _resolve, answered)
            )
            outcome = await answered
        except LivefileError as error:
            outcome = error
        if isinstance(outcome, Failure):
            outcome = self._redaction.failure(outcome)
        return _response(outcome, channel)

    async def _call(self, request: web.BaseRequest, prefix_length: int) -> HttpCall:
        identity, refused, caller = ANONYMOUS, None, caller_of(request)
        try:
            identity = await self._authenticator.identify(request.headers.get(hdrs.AUTHORIZATION))
        except (
            errors.BadRequestError,
            errors.OverloadedError,
            errors.UnauthenticatedError,
        ) as error:
            refused = errors.UnauthenticatedError(error.code, str(error))
            caller = replace(caller, auth_token=None)  # Nobody is known by it.
        address = request.rel_url
        scheme = self._proxies.scheme(request)
        return HttpCall(
            method=request.method,
            url=f"{scheme}://{request.host}{address.raw_path_qs[prefix_length:]}",
            path=address.path_safe[prefix_length:],
            headers=tuple(request.headers.items()),
            has_body=request.method not in _WITHOUT_BODY and request.body_exists,
            identity=identity,
            refused=refused,
            request_id=request_id_of(request),
            caller=caller,
        )


class _Channel:
    """One request's connection, seen from the actions' thread; see the engine's HttpChannel."""

    def __init__(self, loop: asyncio.AbstractEventLoop, request: web.BaseRequest) -> None:
        self._loop = loop
        self._request = request
        self.response: web.StreamResponse | None = None

    async def read(self) -> bytes:
        """Return the next piece of the request's body."""
        return await self._cross(self._read)

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Send the head of the response."""
        await self._cross(partial(self._start, status, headers))

    async def write(self, piece: bytes) -> None:
        """Send a piece of the response."""
        await self._cross(partial(self._write, piece))

    def cut(self) -> None:
        """End the connection: half a response is out, and the client must not take it for all."""
        if self._request.transport is not None:
            self._request.transport.abort()

    # Run something on the server's loop and wait for it on this one.
    async def _cross(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(LateCoroutine(work), self._loop)
        except RuntimeError as error:  # The loop is closed.
            raise ConnectionResetError("the server has stopped") from error
        return await asyncio.wrap_future(future)

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(_PIECE_WAIT_S_MAX):
                return await self._request.content.readany()
        except TimeoutError as error:
            raise ConnectionResetError("the body of the request did not arrive") from error
        except web.RequestPayloadError as error:
            raise ConnectionResetError("the body of the request broke off") from error

    async def _start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self.response = web.StreamResponse(status=status)
        for name, text in headers:
            self.response.headers.add(name, text)
        await self.response.prepare(self._request)

    async def _write(self, piece: bytes) -> None:
        assert self.response is not None
        await self.response.write(piece)


def _response(outcome: HttpOutcome | LivefileError, channel: _Channel) -> web.StreamResponse:
    if channel.response is not None:
        if outcome is not None:
            channel.cut()
        return channel.response
    if isinstance(outcome, LivefileError):
        return error_response(outcome)
    if isinstance(outcome, Failure):
        return _failure_response(outcome)
    assert isinstance(outcome, HttpAnswer)
    response = web.Response(status=outcome.status, body=outcome.body or None)
    for name, text in outcome.headers:
        response.headers.add(name, text)
    return response


def _failure_response(failure: Failure) -> web.Response:
    error = failure.error
    if isinstance(error, errors.BadRequestError) and error.code in _CLIENT_STATUSES:
        return error_text_response(_CLIENT_STATUSES[error.code], error.code, str(error))
    head, _, trace = failure.message.partition("\n")
    message = trace.partition("\n    at ")[0]
    parts = [b'"code":%b' % orjson.dumps(f"{head}: {message}" if message else head)]
    if trace:
        parts.append(b'"trace":%b' % orjson.dumps(trace))
    if failure.data_json is not None:
        parts.append(b'"data":%b' % failure.data_json)
    body = b"{%b}" % b",".join(parts)
    return web.Response(status=500, body=body, headers={hdrs.CONTENT_TYPE: "application/json"})


def _resolve(
    answered: "asyncio.Future[HttpOutcome | LivefileError]", outcome: HttpOutcome | LivefileError
) -> None:
    if not answered.done():  # The server may have given up waiting.
        answered.set_result(outcome)
