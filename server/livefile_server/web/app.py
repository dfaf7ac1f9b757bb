"""The server as one aiohttp application: which address leads where.

Not here: the listening socket and the signals of the process (``serve.py``).
"""

import asyncio
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from aiohttp import web

from livefile import Livefile, SystemClock, limits
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
from livefile_server.web.static_page import StaticPage
from livefile_server.web.steady_clock import SteadyClock
from livefile_server.web.websocket import SocketSurroundings, SyncSocket

DEFAULT_INSTANCE_NAME = "livefile"


def build_app(
    livefile: Livefile,
    web_root: Path | None = None,
    instance_name: str = DEFAULT_INSTANCE_NAME,
    run_admin_key: str | None = None,
) -> web.Application:
    """Return the application that serves ``livefile`` on the event loop that is running.

    ``web_root`` is a folder with a built web page, served at ``/``. ``run_admin_key`` is an admin
    key beside the deployment's own, valid for this application only.
    """
    mailbox = Mailbox(asyncio.get_running_loop())
    keys = AdminKeys(livefile, run_admin_key)
    app = web.Application(
        middlewares=[answer_in_protocol], client_max_size=limits.HTTP_BODY_SIZE_BYTES_MAX
    )
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
    FunctionApi(livefile, keys, mailbox).add_routes(app.router)
    app.router.add_get("/api/sync", sockets.get)
    app.router.add_get("/api/{client_version}/sync", sockets.get)
    _add_texts(app.router, instance_name, has_page=web_root is not None)
    if web_root is not None:
        StaticPage(web_root).add_routes(app.router)
    app.on_shutdown.append(sockets.shut_down)
    return app


class Sockets:
    """The open sockets of the sync protocol."""

    def __init__(self, surroundings: SocketSurroundings) -> None:
        self._surroundings = surroundings
        self._open: set[SyncSocket] = set()

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it is closed."""
        socket = SyncSocket(self._surroundings, _client_of(request))
        self._open.add(socket)
        try:
            return await socket.run(request)
        finally:
            self._open.discard(socket)

    async def shut_down(self, app: web.Application) -> None:
        """Close all sockets, so that their clients look for the server's successor."""
        await asyncio.gather(*(socket.shut_down() for socket in self._open))


def server_version() -> str:
    """Return the version of the installed distribution."""
    try:
        return version("livefile")
    except PackageNotFoundError:  # Run from a source tree that is not installed.
        return "0.0.0"


def _client_of(request: web.Request) -> ClientVersion:
    header = request.headers.get(CLIENT_HEADER)
    if header is not None:
        return parse_client_header(header)
    path_version = request.match_info.get("client_version")
    return UNKNOWN_CLIENT if path_version is None else parse_path_version(path_version)


def _add_texts(router: web.UrlDispatcher, instance_name: str, has_page: bool) -> None:
    texts = {
        "/version": server_version(),
        "/instance_version": server_version(),
        "/instance_name": instance_name,
    }
    if not has_page:
        texts["/"] = "This Livefile deployment is running."
    for path, text in texts.items():
        router.add_get(path, partial(_get_text, text))


async def _get_text(text: str, request: web.Request) -> web.Response:
    return web.Response(text=text)
