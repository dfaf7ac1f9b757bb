"""The server as a process: a listening socket, and a graceful end when it is told to stop.

``serve`` is what the command line calls. ``run_server`` is the same for a program that has an
event loop of its own.
"""

import asyncio
import gc
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from livefile import Livefile, limits
from livefile_server.web.app import DEFAULT_INSTANCE_NAME, build_app
from livefile_server.web.engine_steps import EngineSteps
from livefile_server.web.freeze_watchdog import FreezeWatchdog

_BACKLOG = 1024  # Connections that may wait to be accepted, as after a restart.


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens, and what it serves beside the API. Port 0 takes a free one.

    ``run_admin_key`` is a second admin key, stored nowhere and worth nothing after this run.
    """

    host: str = "127.0.0.1"
    port: int = 3210
    web_root: Path | None = None
    instance_name: str = DEFAULT_INSTANCE_NAME
    run_admin_key: str | None = None


def serve(
    livefile: Livefile,
    settings: ServerSettings,
    on_started: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT. To be called on the main thread.

    ``on_started`` gets the address, such as ``http://127.0.0.1:3210``, once it answers.
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
    on_started: Callable[[str], None],
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
    on_started: Callable[[str], None],
) -> None:
    app = build_app(livefile, settings.web_root, settings.instance_name, settings.run_admin_key)
    server = web.Server(
        app.answer,
        access_log=None,
        keepalive_timeout=limits.HTTP_CONNECTION_IDLE_MS_MAX / 1000,
    )
    runner = web.ServerRunner(server, shutdown_timeout=limits.SHUTDOWN_DURATION_MS_MAX / 1000)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, backlog=_BACKLOG)
        await site.start()
        on_started(_address(settings.host, site.port))
        await stop.wait()
        await site.stop()
        # Before the runner's cleanup, which would no longer read the clients' goodbyes.
        await app.shut_down()
    finally:
        await runner.cleanup()


async def _serve_until_signal(
    livefile: Livefile, settings: ServerSettings, on_started: Callable[[str], None]
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
