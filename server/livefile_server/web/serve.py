"""The server as a process: a listening socket, and a graceful end when it is told to stop.

``serve`` is what the command line calls. ``run_server`` is the same for a program that has an
event loop of its own.
"""

import asyncio
import gc
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from livefile import Livefile, limits
from livefile_server.sync.redaction import Redaction
from livefile_server.web.access import AccessRules
from livefile_server.web.app import DEFAULT_INSTANCE_NAME, build_app
from livefile_server.web.engine_steps import EngineSteps
from livefile_server.web.freeze_watchdog import FreezeWatchdog
from livefile_server.web.gate import Gate
from livefile_server.web.http_actions import PREFIX
from livefile_server.web.proxies import Proxies
from livefile_server.web.routes import Handler

# A connection that was accepted just before the end is known to its server, and so ended with the
# others, this many turns of the event loop later.
_TURNS_UNTIL_KNOWN = 3
_BACKLOG = 1024  # Connections that may wait to be accepted, as after a restart.


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens, and what it serves beside the API. Port 0 takes a free one.

    ``site_port`` is a second one for HTTP actions alone, None for none. ``run_admin_key`` is a
    second admin key, stored nowhere and worth nothing after this run. ``public_url`` is where
    clients reach the server, if that is not where it listens. With ``redacts_errors``,
    clients do not get the texts of failures.
    """

    host: str = "127.0.0.1"
    port: int = 3210
    site_port: int | None = None
    web_root: Path | None = None
    instance_name: str = DEFAULT_INSTANCE_NAME
    run_admin_key: str | None = None
    access: AccessRules = field(default_factory=AccessRules)
    proxies: Proxies = field(default_factory=Proxies)
    public_url: str = ""
    redacts_errors: bool = False


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a server answers, such as ``http://127.0.0.1:3210``; ``site`` is for HTTP actions."""

    main: str
    site: str | None = None

    @property
    def for_http_actions(self) -> str:
        """Where HTTP actions answer: at the root of the second port, or below the main one."""
        return f"{self.main}{PREFIX}" if self.site is None else self.site


def serve(
    livefile: Livefile,
    settings: ServerSettings,
    on_started: Callable[[Addresses], None],
) -> None:
    """Serve until SIGTERM or SIGINT. To be called on the main thread.

    ``on_started`` gets the addresses once they answer.
    The caller closes ``livefile`` afterwards.

    Raises:
        OSError: the address is taken or not allowed.
        Exception: what the engine failed with, if it could not go on.
    """
    _tame_garbage_collector()
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        runner.run(_serve_until_signal(livefile, settings, on_started))


async def run_server(
    livefile: Livefile,
    settings: ServerSettings,
    stop: asyncio.Event,
    on_started: Callable[[Addresses], None],
) -> None:
    """Serve until ``stop`` is set, then close every socket and finish what is running.

    Raises:
        OSError: the address is taken or not allowed.
    """
    steps = EngineSteps(asyncio.get_running_loop(), livefile.step)
    with livefile.driven_by(steps.wake):
        await _serve(livefile, settings, stop, on_started)


async def _serve(
    livefile: Livefile,
    settings: ServerSettings,
    stop: asyncio.Event,
    on_started: Callable[[Addresses], None],
) -> None:
    app = build_app(
        livefile,
        settings.web_root,
        settings.instance_name,
        settings.run_admin_key,
        Gate(settings.access, settings.proxies),
        Redaction(is_on=settings.redacts_errors),
    )
    async with AsyncExitStack() as stack:
        main = await _listen(stack, app.answer, settings.host, settings.port)
        site = None
        if settings.site_port is not None:
            site = await _listen(stack, app.answer_site, settings.host, settings.site_port)
        addresses = Addresses(
            main=_address(settings.host, main.port),
            site=None if site is None else _address(settings.host, site.port),
        )
        public = Addresses(settings.public_url) if settings.public_url else addresses
        livefile.origins.cloud = public.main
        livefile.origins.site = public.for_http_actions
        livefile.scheduler.start()  # Not before: what it runs may ask for the addresses.
        on_started(addresses)
        await stop.wait()
        await _stop_listening([main] if site is None else [main, site])
        # Before the cleanup, which would no longer read the clients' goodbyes.
        await app.shut_down()


async def _stop_listening(sites: Sequence[web.TCPSite]) -> None:
    """Accept no more connections, and lose none of those that were accepted."""
    loop = asyncio.get_running_loop()
    for site in sites:
        # Of uvloop's server, which is no AbstractServer, no listener is a reader: nothing happens.
        for listening in getattr(site._server, "sockets", ()):
            loop.remove_reader(listening.fileno())
    # asyncio drops a connection on the floor, open, if its server is closed before this.
    for _ in range(_TURNS_UNTIL_KNOWN):
        await asyncio.sleep(0)
    for site in sites:
        await site.stop()


async def _listen(stack: AsyncExitStack, answer: Handler, host: str, port: int) -> web.TCPSite:
    """Answer at one more address until ``stack`` is closed."""
    server = web.Server(
        answer,
        access_log=None,
        keepalive_timeout=limits.HTTP_CONNECTION_IDLE_MS_MAX / 1000,
        auto_decompress=False,  # A few bytes could become gigabytes, and no client compresses.
    )
    # The cleanup waits twice as long for connections that do not end. Requests under way have had
    # their time by then, so what is left does not read its answer.
    runner = web.ServerRunner(server, shutdown_timeout=limits.CONNECTION_END_MS_MAX / 1000)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port, backlog=_BACKLOG)
    await site.start()
    return site


async def _serve_until_signal(
    livefile: Livefile, settings: ServerSettings, on_started: Callable[[Addresses], None]
) -> None:
    stop = asyncio.Event()
    failures: list[Exception] = []
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def on_failed(error: Exception) -> None:
        failures.append(error)
        loop.call_soon_threadsafe(stop.set)

    # A server whose engine stands still must end, so that whoever watches it starts another.
    livefile.failed = on_failed
    watchdog = FreezeWatchdog(loop)
    try:
        await run_server(livefile, settings, stop, on_started)
    finally:
        watchdog.close()
    if failures:
        raise failures[0]


def _tame_garbage_collector() -> None:
    """Let the collector pass over what lives as long as the process, and come less often.

    At its defaults a cached read over HTTP takes a third more. The second generation is kept small
    because collecting it stops everything: when 2,000 clients come back at once, for 490 ms with
    400,000 objects and for 100 to 170 with 100,000. Nothing is collected first: imports leave
    2,000 objects of garbage, and finding them takes 40 ms.
    """
    gc.freeze()
    gc.set_threshold(20_000, 4, 500)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Not there on Windows and PyPy; asyncio's own loop does.
        return None
    return uvloop.new_event_loop
