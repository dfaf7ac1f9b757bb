"""The server as one function of a request: which address leads where.

Not here: the listening socket and the signals of the process (``serve.py``).
"""

import asyncio
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from aiohttp import hdrs, web

from livefile import Livefile, SystemClock
from livefile_server.auth.keys import AdminKeys
from livefile_server.sync.client_version import (
    UNKNOWN_CLIENT,
    ClientVersion,
    parse_client_header,
    parse_path_version,
)
from livefile_server.sync.session import SessionSettings
from livefile_server.sync.shared_transitions import SharedTransitions
from livefile_server.web.function_request import CLIENT_HEADER
from livefile_server.web.functions import FunctionApi
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.middleware import answer_in_protocol
from livefile_server.web.routes import Routes
from livefile_server.web.static_page import StaticPage
from livefile_server.web.steady_clock import SteadyClock
from livefile_server.web.websocket import SocketSurroundings, SyncSocket

DEFAULT_INSTANCE_NAME = "livefile"


def build_app(
    livefile: Livefile,
    web_root: Path | None = None,
    instance_name: str = DEFAULT_INSTANCE_NAME,
    run_admin_key: str | None = None,
) -> "WebApp":
    """Return what serves ``livefile`` on the event loop that is running.

    ``web_root`` is a folder with a built web page, served at ``/``. ``run_admin_key`` is an admin
    key beside the deployment's own, valid for this application only.
    """
    mailbox = Mailbox(asyncio.get_running_loop())
    keys = AdminKeys(livefile, run_admin_key)
    routes = Routes()
    surroundings = SocketSurroundings(
        livefile=livefile,
        mailbox=mailbox,
        clock=SteadyClock(SystemClock()),
        settings=SessionSettings(
            latest_ts=lambda: livefile.latest_ts,
            check_admin_key=keys.check,
            transitions=SharedTransitions(),
        ),
    )
    sockets = Sockets(surroundings)
    FunctionApi(livefile, keys, mailbox).add_routes(routes)
    routes.add_get("/api/sync", sockets.get)
    routes.add_pattern(hdrs.METH_GET, "/api/[^/]+/sync", sockets.get)
    _add_texts(routes, instance_name, has_page=web_root is not None)
    if web_root is not None:
        StaticPage(web_root).add_routes(routes)
    return WebApp(routes, sockets)


class WebApp:
    """Everything that is served at one address. One for each event loop."""

    def __init__(self, routes: Routes, sockets: "Sockets") -> None:
        self._routes = routes
        self._sockets = sockets

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; what aiohttp's server is to call."""
        return await answer_in_protocol(request, self._routes)

    async def shut_down(self) -> None:
        """Close all sockets, so that their clients look for the server's successor."""
        await self._sockets.shut_down()


class Sockets:
    """The open sockets of the sync protocol."""

    def __init__(self, surroundings: SocketSurroundings) -> None:
        self._surroundings = surroundings
        self._open: dict[SyncSocket, asyncio.Task[object] | None] = {}  # With who serves it.

    async def get(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one socket until it is closed."""
        socket = SyncSocket(self._surroundings, _client_of(request))
        self._open[socket] = asyncio.current_task()
        try:
            return await socket.run(request)
        finally:
            del self._open[socket]

    async def shut_down(self) -> None:
        """Close all sockets, so that their clients look for the server's successor."""
        serving = [task for task in self._open.values() if task is not None]
        for socket in self._open:
            socket.shut_down()
        if serving:
            await asyncio.wait(serving)


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
