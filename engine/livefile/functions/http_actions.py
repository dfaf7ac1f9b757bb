"""HTTP actions: an app's own answers to HTTP requests, run as actions are.

They share the actions' thread and limits. The caller's connection is elsewhere, on an event loop
of its own, so pieces of bodies go through a channel that crosses over.

Not here: the connection (the server's ``web/http_actions.py``); which action answers what
(``http_router.py``).
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from livefile.functions.actions import Actions
from livefile.functions.call import Call, Caller, Failure, Success
from livefile.functions.failure import failure_of
from livefile.functions.http_context import HttpActionCtx, RefusedAuth
from livefile.functions.http_message import Headers, Request, Response
from livefile.functions.runner import Runner
from livefile.functions.running import RunningCall, current_call
from livefile.model.identity import ANONYMOUS, Identity
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import (
    ClosedError,
    DefinitionError,
    FunctionTimeoutError,
    LivefileError,
    TransactionLimitError,
    UnauthenticatedError,
)
from livefile.vocabulary.limits import (
    HTTP_ACTION_BODY_SIZE_BYTES_MAX,
    HTTP_ACTION_DURATION_MS_MAX,
)

_FAILED_STATUS = 500
NO_ROUTER_TEXT = "This Convex deployment does not have HTTP actions enabled."


class HttpChannel(Protocol):
    """The other end of one HTTP action: its caller's connection.

    Its methods are awaited on the actions' thread. They raise ``ConnectionError`` once the caller
    has gone.
    """

    async def read(self) -> bytes:
        """Return the next piece of the request's body, an empty one at its end."""

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Send the head of a response whose pieces follow."""

    async def write(self, piece: bytes) -> None:
        """Send a piece of the response; returns once the connection takes more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """A request to run an HTTP action.

    ``path`` is decoded, ``url`` is the whole address. ``refused`` is why the request's
    credentials were refused; the action runs all the same.
    """

    method: str
    url: str
    path: str
    headers: Sequence[tuple[str, str]]
    has_body: bool = False
    identity: Identity = ANONYMOUS
    refused: UnauthenticatedError | None = None
    request_id: str = ""
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole response, to be sent at once."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


HttpOutcome = HttpAnswer | Failure | None
"""What an HTTP action came to; None if its response went through the channel, to the end."""

HttpDone = Callable[[HttpOutcome | LivefileError], None]


class HttpActions:
    """Runs HTTP actions of the current app, on the actions' thread."""

    def __init__(
        self,
        runner: Callable[[], Runner],
        actions: Actions,
        clock: Clock,
    ) -> None:
        """Take the runner of the current app, and where actions run."""
        self._runner = runner
        self._actions = actions
        self._clock = clock

    def submit(self, call: HttpCall, channel: HttpChannel, done: HttpDone) -> None:
        """Answer a request; ``done`` hears how it ended, on any thread, exactly once.

        Raises:
            OverloadedError: too many actions are running.
        """
        router = self._runner().app.http_router
        if router is None:
            done(_not_found(NO_ROUTER_TEXT))
            return
        route = router.find(call.method, call.path)
        if route is None:
            done(_not_found(f"No HttpAction routed for {call.path}"))
            return
        inner = Call(
            path=route.name,
            args={},
            identity=call.identity,
            request_id=call.request_id,
            caller=call.caller,
        )
        run = _HttpRun(call, inner, channel)
        work = partial(run.answer, partial(route.handler, self._context(inner, call)))
        self._actions.start(partial(self._run, inner, run, work, done))

    def _context(self, inner: Call, call: HttpCall) -> HttpActionCtx:
        ctx = self._actions.context(inner, HttpActionCtx)
        if call.refused is not None:
            ctx.auth = RefusedAuth(call.refused)
        return ctx

    async def _run(
        self,
        inner: Call,
        run: "_HttpRun",
        work: Callable[[], Any],  # Any: an awaitable of an ``HttpOutcome``.
        done: HttpDone,
    ) -> None:
        runner = self._runner()
        started = time.perf_counter()
        log = runner.action_log(inner, self._clock.now_ns)
        current_call.set(
            RunningCall(
                path=inner.path,
                log=log,
                is_sealed=False,
                now_ns=self._clock.now_ns(),
                seed=0,
                request_id=inner.request_id,
                caller=inner.caller,
            )
        )
        outcome: HttpOutcome = None
        try:
            async with asyncio.timeout(HTTP_ACTION_DURATION_MS_MAX / 1000) as duration:
                outcome = await work()
        except BaseException as error:  # The edge to user code.
            if isinstance(error, asyncio.CancelledError) and self._actions.is_closed:
                done(ClosedError("the deployment was closed while the HTTP action ran"))
                raise
            if isinstance(error, TimeoutError) and duration.expired():
                error = _too_long()
            outcome = failure_of(error, inner.request_id, log.lines, runner.app.path, 0)
        ended = outcome if isinstance(outcome, Failure) else Success(b"null", log.lines)
        log.end()
        runner.observe_action(inner, ended, started, run.status_of(outcome))
        done(outcome)


class _HttpRun:
    """One request while it is answered."""

    def __init__(self, call: HttpCall, inner: Call, channel: HttpChannel) -> None:
        self._call = call
        self._inner = inner
        self._channel = channel
        self._started_status: int | None = None

    def status_of(self, outcome: HttpOutcome) -> int:
        """Return the status that the caller got, or is about to get."""
        if self._started_status is not None:
            return self._started_status
        return outcome.status if isinstance(outcome, HttpAnswer) else _FAILED_STATUS

    async def answer(self, handler: Callable[[Request], Any]) -> HttpAnswer | None:
        """Call the handler and bring its response on the way."""
        call = self._call
        request = Request(
            method=call.method,
            url=call.url,
            path=call.path,
            headers=Headers(call.headers),
            read=self._channel.read if call.has_body else None,
        )
        response = await handler(request)
        if not isinstance(response, Response):
            raise DefinitionError(
                f"{self._inner.path}: an HTTP action returns a Response, not "
                f"{type(response).__name__}"
            )
        headers = response.headers.pairs
        if isinstance(response.body, bytes):
            _check_response_size(len(response.body))
            return HttpAnswer(status=response.status, headers=headers, body=response.body)
        await self._channel.start(response.status, headers)
        self._started_status = response.status
        if call.method != "HEAD":
            await self._send(response.body)
        return None

    async def _send(self, body: AsyncIterable[bytes | str]) -> None:
        pieces = aiter(body)
        try:
            size_bytes = 0
            async for each in pieces:
                piece = each.encode() if isinstance(each, str) else each
                size_bytes += len(piece)
                _check_response_size(size_bytes)
                if piece:  # An empty one would say that this is the end.
                    await self._channel.write(piece)
        finally:
            # So that a generator's own ``finally`` runs now, also when the caller has gone.
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()


def _not_found(text: str) -> HttpAnswer:
    headers = (("Content-Type", "text/plain; charset=utf-8"),)
    return HttpAnswer(status=404, headers=headers, body=text.encode())


def _check_response_size(size_bytes: int) -> None:
    if size_bytes > HTTP_ACTION_BODY_SIZE_BYTES_MAX:
        raise TransactionLimitError(
            "HttpResponseTooLarge",
            "HttpResponseTooLarge: HTTP actions support responses up to "
            f"{HTTP_ACTION_BODY_SIZE_BYTES_MAX // 2**20} MiB",
        )


def _too_long() -> FunctionTimeoutError:
    return FunctionTimeoutError(
        f"HTTP action timed out (maximum duration: {HTTP_ACTION_DURATION_MS_MAX // 1000}s)"
    )
