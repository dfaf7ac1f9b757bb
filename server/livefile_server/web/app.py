"""The server as one function of a request: which address leads where.

Not here: the listening socket and the signals of the process (``serve.py``).
"""

import asyncio
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from aiohttp import hdrs, web

from livefile import Livefile, SystemClock, errors, limits
from livefile_server.auth.authenticate import Authenticator
from livefile_server.auth.keys import AdminKeys
from livefile_server.auth.oauth import OAuthFlow
from livefile_server.auth.own_issuer import OwnIssuer
from livefile_server.auth.tokens import Tokens
from livefile_server.sync.client_version import (
    UNKNOWN_CLIENT,
    ClientVersion,
    parse_client_header,
    parse_path_version,
)
from livefile_server.sync.redaction import Redaction
from livefile_server.sync.session import SessionSettings
from livefile_server.sync.shared_transitions import SharedTransitions
from livefile_server.web.accounts import AccountApi
from livefile_server.web.caller import caller_of
from livefile_server.web.cloud_account import CloudAccount
from livefile_server.web.dashboard import DashboardApi
from livefile_server.web.echo import post_echo
from livefile_server.web.environment import EnvironmentApi
from livefile_server.web.errors import error_response
from livefile_server.web.exports import ExportApi
from livefile_server.web.files import FileApi
from livefile_server.web.function_request import CLIENT_HEADER
from livefile_server.web.functions import FunctionApi
from livefile_server.web.gate import Gate
from livefile_server.web.health import Health
from livefile_server.web.http_actions import HttpActionApi
from livefile_server.web.imports import ImportApi
from livefile_server.web.inline_queries import InlineQueryApi
from livefile_server.web.key_fetch import fetch_keys, post_form
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.middleware import answer_in_protocol, is_api
from livefile_server.web.oauth import OAuthApi
from livefile_server.web.observation import Observation
from livefile_server.web.push import PushApi
from livefile_server.web.routes import Handler, Routes
from livefile_server.web.static_page import StaticPage
from livefile_server.web.steady_clock import SteadyClock
from livefile_server.web.upkeep import UpkeepApi
from livefile_server.web.websocket import SocketSurroundings, SyncSocket

DEFAULT_INSTANCE_NAME = "livefile"

_SHUTDOWN_S_MAX = limits.SHUTDOWN_DURATION_MS_MAX / 1000
_CONNECTION_END_S_MAX = limits.CONNECTION_END_MS_MAX / 1000


def build_app(
    livefile: Livefile,
    web_root: Path | None = None,
    instance_name: str = DEFAULT_INSTANCE_NAME,
    run_admin_key: str | None = None,
    gate: Gate | None = None,
    redaction: Redaction | None = None,
) -> "WebApp":
    """Return what serves ``livefile`` on the event loop that is running.

    ``web_root`` is a folder with a built web page, served at ``/``. ``run_admin_key`` is an admin
    key beside the deployment's own, valid for this application only. ``gate`` says who may ask;
    without one, everybody may. ``redaction`` says what clients see of failures; without one, all.
    """
    mailbox = Mailbox(asyncio.get_running_loop())
    gate, redaction = gate or Gate(), redaction or Redaction()
    keys = AdminKeys(livefile, run_admin_key)
    clock = SystemClock()
    steady_clock = SteadyClock(clock)
    issuer = OwnIssuer(livefile.accounts, clock)
    config, now_ns = (lambda: livefile.app.auth_config), steady_clock.now_ns
    tokens = Tokens(config, clock, now_ns, fetch_keys, own_issuer=issuer.providers)
    routes = Routes()
    surroundings = SocketSurroundings(
        livefile=livefile,
        mailbox=mailbox,
        clock=steady_clock,
        tokens=tokens,
        settings=SessionSettings(
            latest_ts=lambda: livefile.latest_ts,
            check_admin_key=keys.check,
            wall_ns=clock.now_ns,
            transitions=SharedTransitions(redaction),
            redaction=redaction,
        ),
    )
    authenticator = Authenticator(keys, tokens)
    sockets = Sockets(surroundings, gate)
    http_actions = HttpActionApi(livefile, authenticator, mailbox, gate.proxies, redaction)
    FunctionApi(livefile, keys, authenticator, mailbox, redaction).add_routes(routes)
    InlineQueryApi(livefile, keys, authenticator).add_routes(routes)
    observation = Observation(livefile, keys, mailbox, clock.now_ns, lambda: sockets.count)
    observation.add_routes(routes)
    _add_tools(routes, livefile, keys, mailbox, instance_name)
    Health(livefile, mailbox).add_routes(routes)
    http_actions.add_routes(routes)
    FileApi(livefile).add_routes(routes)
    accounts = AccountApi(livefile, issuer, tokens, gate.proxies)
    flow = OAuthFlow(clock, steady_clock.now_ns, fetch_keys, post_form)
    _add_accounts(routes, livefile, accounts, flow)
    routes.add_get("/api/sync", sockets.get)
    routes.add_pattern(hdrs.METH_GET, "/api/[^/]+/sync", sockets.get)
    _add_texts(routes, instance_name, has_page=web_root is not None)
    if web_root is not None:
        StaticPage(web_root).add_routes(routes)
    return WebApp(routes, sockets, http_actions, gate, observation)


class WebApp:
    """Everything that is served at the two addresses of a deployment. One for each event loop."""

    def __init__(
        self,
        routes: Routes,
        sockets: "Sockets",
        http_actions: HttpActionApi,
        gate: Gate,
        observation: Observation,
    ) -> None:
        self._routes = routes
        self._observation = observation
        self._sockets = sockets
        self._http_actions = http_actions
        self._gate = gate
        self._running: set[asyncio.Task[object]] = set()
        self._is_ending = False

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request at the main address; what aiohttp's server is to call."""
        return await self._run(
            request, partial(answer_in_protocol, routes=self._routes), is_api=is_api(request)
        )

    async def answer_site(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request at the address for HTTP actions."""
        return await self._run(request, self._http_actions.answer, is_api=False)

    async def shut_down(self) -> None:
        """Close all sockets, so that their clients look for the server's successor.

        Requests under way are finished if they come to an end in time, else answered with an
        error. Takes ``SHUTDOWN_DURATION_MS_MAX`` at most, and a moment.
        """
        self._is_ending = True
        self._sockets.shut_down()
        self._observation.close()
        running = self._running - {asyncio.current_task()}
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=_SHUTDOWN_S_MAX)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_CONNECTION_END_S_MAX)

    async def _run(
        self, request: web.BaseRequest, handler: Handler, *, is_api: bool
    ) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            response = await self._gate.let_in(request, handler, is_api=is_api)
        except asyncio.CancelledError:
            if not self._is_ending:
                raise
            if request.writer.output_size:  # Half a response is out; nothing can follow it.
                if request.transport is not None:
                    request.transport.abort()
                raise
            task.uncancel()  # ``shut_down`` wants the request to end, not the task.
            response = error_response(errors.ClosedError("The server stops; try again"))
        finally:
            self._running.discard(task)
        if self._is_ending and not response.prepared:
            response.force_close()
        return response


class Sockets:
    """The open sockets of the sync protocol."""

    def __init__(self, surroundings: SocketSurroundings, gate: Gate) -> None:
        self._surroundings = surroundings
        self._gate = gate
        self._open: set[SyncSocket] = set()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def get(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one socket until it is closed.

        Raises:
            OverloadedError: its address has too many.
        """
        with self._gate.one_more_socket(request):
            socket = SyncSocket(self._surroundings, _client_of(request), caller_of(request))
            self._open.add(socket)
            try:
                return await socket.run(request)
            finally:
                self._open.discard(socket)

    def shut_down(self) -> None:
        """Begin to close all sockets; the requests that they came with end soon."""
        for socket in self._open:
            socket.shut_down()


def server_version() -> str:
    """Return the version of the installed distribution."""
    try:
        return version("livefile")
    except PackageNotFoundError:  # Run from a source tree that is not installed.
        return "0.0.0"


def _client_of(request: web.BaseRequest) -> ClientVersion:
    header = request.headers.get(CLIENT_HEADER)
    if header is not None:
        return parse_client_header(header)
    match request.rel_url.path_safe.split("/"):
        case ["", "api", path_version, "sync"]:
            return parse_path_version(path_version)
    return UNKNOWN_CLIENT


def _add_tools(
    routes: Routes, livefile: Livefile, keys: AdminKeys, mailbox: Mailbox, instance_name: str
) -> None:
    """Add what programs that look after the deployment ask."""
    EnvironmentApi(livefile, keys, mailbox).add_routes(routes)
    UpkeepApi(livefile, keys).add_routes(routes)
    DashboardApi(livefile, keys).add_routes(routes)
    ImportApi(livefile, keys).add_routes(routes)
    ExportApi(livefile, keys, instance_name).add_routes(routes)
    PushApi(livefile, keys, mailbox).add_routes(routes)
    CloudAccount(keys).add_routes(routes)
    routes.add_post("/echo", post_echo)


def _add_accounts(
    routes: Routes, livefile: Livefile, accounts: AccountApi, flow: OAuthFlow
) -> None:
    accounts.add_routes(routes)
    OAuthApi(livefile, accounts, flow).add_routes(routes)


def _add_texts(routes: Routes, instance_name: str, has_page: bool) -> None:
    texts = {
        "/version": server_version(),
        "/instance_version": server_version(),
        "/instance_name": instance_name,
    }
    if not has_page:
        texts["/"] = "This Livefile deployment is running."
    for path, text in texts.items():
        routes.add_get(path, partial(_get_text, text))


async def _get_text(text: str, request: web.BaseRequest) -> web.Response:
    return web.Response(text=text)
