"""One websocket of the sync protocol: a thin layer of I/O around ``sync/session.py``.

It reads messages into the session, performs the session's effects, and tells it of time, of
slowness and of the engine's answers. Everything here runs on the event loop; the engine's
threads come in through the mailbox.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, assert_never

from aiohttp import WSCloseCode, WSMsgType, web

from livefile import (
    Caller,
    FunctionKind,
    Livefile,
    LivefileError,
    LiveQuerySet,
    Outcome,
    Update,
    limits,
)
from livefile_server.auth.signed_in import SignedIn
from livefile_server.auth.tokens import Tokens
from livefile_server.sync.client_version import ClientVersion
from livefile_server.sync.effects import (
    ChangeQuerySet,
    CheckToken,
    Close,
    Effect,
    Require,
    RunAction,
    RunMutation,
    SendFrame,
    SendPing,
)
from livefile_server.sync.session import Session, SessionSettings
from livefile_server.web.frames import write_ping
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.outgoing import Outgoing
from livefile_server.web.steady_clock import SteadyClock

_log = logging.getLogger(__name__)

Asked = TypeVar("Asked")

_TICK_INTERVAL_S = limits.WEBSOCKET_PING_INTERVAL_MS / 2 / 1000
_CLOSE_DURATION_S_MAX = limits.SOCKET_CLOSE_DURATION_MS_MAX / 1000


@dataclass(frozen=True, slots=True)
class SocketSurroundings:
    """What all sockets of one server share."""

    livefile: Livefile
    mailbox: Mailbox
    clock: SteadyClock
    tokens: Tokens
    settings: SessionSettings


class SyncSocket:
    """One client's socket, from the handshake to the end."""

    def __init__(
        self, surroundings: SocketSurroundings, client: ClientVersion, caller: Caller
    ) -> None:
        self._livefile = surroundings.livefile
        self._mailbox = surroundings.mailbox
        self._now_ns = surroundings.clock.now_ns
        self._tokens = surroundings.tokens
        self._unchecked_token: str | None = None
        self._session = Session(surroundings.settings, client, self._now_ns(), caller)
        self._websocket = web.WebSocketResponse(
            # Pings are answered here, because the session wants to hear of them.
            autoping=False,
            compress=False,
            max_msg_size=limits.MESSAGE_SIZE_BYTES_MAX,
            timeout=_CLOSE_DURATION_S_MAX,
            # A ping waits until the transport takes more; ``_catch_up`` builds on that.
            writer_limit=0,
            decode_text=False,
        )
        self._query_set: LiveQuerySet
        self._transport: asyncio.Transport
        self._outgoing: Outgoing
        self._timer: asyncio.TimerHandle
        self._reading_task: asyncio.Task[object] | None = None
        self._catch_up_task: asyncio.Task[None] | None = None
        self._close: Close | None = None

    async def run(self, request: web.BaseRequest) -> web.StreamResponse:
        """Shake hands, serve the client until it leaves or is closed, and clean up."""
        await self._websocket.prepare(request)
        if request.transport is not None:  # Else it is gone already.
            self._transport = request.transport
            await self._serve()
        return self._websocket

    def shut_down(self) -> None:
        """Let ``run`` close the socket because the server ends; the client will try again."""
        self._begin_close(Close(code=WSCloseCode.GOING_AWAY))

    async def _serve(self) -> None:
        self._transport.set_write_buffer_limits(high=limits.SOCKET_BUFFER_SIZE_BYTES_MAX)
        self._outgoing = Outgoing(self._transport, self._mailbox.loop, self._watch_buffer)
        self._query_set = self._livefile.open_query_set(
            partial(self._mailbox.post, self._on_update)
        )
        self._tick()
        self._reading_task = asyncio.current_task()
        try:
            with suppress(ConnectionError):  # The client went while its ping was answered.
                await self._read()
        except asyncio.CancelledError:
            if self._close is None:
                raise
            assert self._reading_task is not None
            self._reading_task.uncancel()  # ``_begin_close`` woke the reader, and nobody else.
        finally:
            self._reading_task = None
            self._session.end()
            self._timer.cancel()
            self._query_set.close()
            # ``_catch_up`` ends with the connection. Cancelling it would cancel the goodbye too,
            # because aiohttp lets all who wait for a transport wait for one future.
        if self._close is not None:
            await self._say_goodbye(self._close)

    # --- In -------------------------------------------------------------------------------

    async def _read(self) -> None:
        session = self._session
        while self._close is None:
            message = await self._websocket.receive()
            match message.type:
                case WSMsgType.TEXT:
                    self._take(session.receive_text, message.data)
                    if self._unchecked_token is not None:
                        await self._check_token(self._unchecked_token)
                case WSMsgType.BINARY:
                    self._take(session.receive_binary)
                case WSMsgType.PING:
                    session.receive_pong(self._now_ns())
                    await self._websocket.pong(message.data)
                case WSMsgType.PONG:
                    session.receive_pong(self._now_ns())
                case _:
                    return  # Closed by either side, or broken.

    # The client's next message is read afterwards: it is meant for the new identity.
    async def _check_token(self, token: str) -> None:
        self._unchecked_token = None
        answer: SignedIn | LivefileError
        try:
            answer = await self._tokens.check(token)
        except LivefileError as error:
            answer = error
        except Exception as error:  # The edge, as in ``_take``.
            _log.error("A token could not be checked: %s", error, exc_info=error)
            answer = LivefileError(str(error))
        self._take(self._session.token_checked, answer)

    def _on_mutation(self, request_number: int, outcome: Outcome | LivefileError) -> None:
        self._outgoing.hold()  # Mostly the transition that shows it follows at once.
        self._take(self._session.mutation_done, request_number, outcome)

    def _on_action(self, request_number: int, outcome: Outcome | LivefileError) -> None:
        self._take(self._session.action_done, request_number, outcome)

    def _on_update(self, update: Update) -> None:
        self._take(self._session.updated, update)
        self._outgoing.flush()

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_TICK_INTERVAL_S, self._tick)
        self._take(self._session.tick)

    # Tell the session something and do what it wants. This is the edge: an error in here is one
    # of ours, and it may cost one client a reconnect, but not the others anything.
    def _take(self, method: Callable[..., list[Effect]], *args: object) -> None:
        try:
            self._perform(method(*args, self._now_ns()))
        except Exception as error:
            _log.error("A session failed: %s", error, exc_info=error)
            self._perform(self._session.fail(LivefileError(str(error))))

    # --- Out ------------------------------------------------------------------------------

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case SendFrame():
                    self._outgoing.send(effect.payload)
                case RunMutation():
                    self._run_mutation(effect)
                case RunAction():
                    self._run_action(effect)
                case ChangeQuerySet():
                    self._ask_query_set(self._query_set.change, effect.change)
                case CheckToken():
                    self._unchecked_token = effect.token
                case Require():
                    self._ask_query_set(self._query_set.require, effect.ts)
                case SendPing():
                    self._ping()
                case Close():
                    self._begin_close(effect)
                case _:
                    assert_never(effect)

    def _watch_buffer(self) -> None:
        if (
            self._catch_up_task is None
            and self._transport.get_write_buffer_size() > limits.SOCKET_BUFFER_SIZE_BYTES_MAX
        ):
            self._session.writable_changed(False, self._now_ns())
            self._catch_up_task = asyncio.create_task(self._catch_up())

    # Wait until the client has read most of what was sent, then send what has gathered.
    async def _catch_up(self) -> None:
        try:
            await self._websocket.ping()
        except ConnectionError:
            return  # The reader hears of it too, and ends the socket.
        self._catch_up_task = None
        self._take(self._session.writable_changed, True)

    def _ask_query_set(self, method: Callable[[Asked], None], asked: Asked) -> None:
        try:
            method(asked)
        except LivefileError as error:
            self._perform(self._session.fail(error))

    def _run_mutation(self, effect: RunMutation) -> None:
        done = partial(self._mailbox.post, self._on_mutation, effect.request_number)
        try:
            self._livefile.submit(
                effect.call, FunctionKind.MUTATION, done, query_set=self._query_set
            )
        except LivefileError as error:
            self._on_mutation(effect.request_number, error)

    def _run_action(self, effect: RunAction) -> None:
        done = partial(self._mailbox.post, self._on_action, effect.request_number)
        try:
            self._livefile.submit(effect.call, FunctionKind.ACTION, done)
        except LivefileError as error:
            self._on_action(effect.request_number, error)

    def _ping(self) -> None:
        if not self._transport.is_closing():
            write_ping(self._transport)

    # Only the task that reads can hear the client's goodbye, so it is the one that closes.
    def _begin_close(self, close: Close) -> None:
        if self._close is not None:
            return
        self._close = close
        self._session.end()
        task = self._reading_task
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _say_goodbye(self, close: Close) -> None:
        self._outgoing.flush()  # Nothing may be sent after the goodbye.
        try:
            async with asyncio.timeout(2 * _CLOSE_DURATION_S_MAX):
                await self._websocket.close(code=close.code, message=close.reason.encode())
        except TimeoutError:
            self._transport.abort()  # The client does not even read what was sent before.
