"""``GET /api/health``: whether the deployment answers, for whoever watches the process.

The question goes through a step of the engine, as every query does. A process whose event loop
turns but whose engine does not would otherwise look well.

Not here: figures (``/metrics``).
"""

import asyncio
from functools import partial

from aiohttp import web

from livefile import Livefile, LivefileError, limits
from livefile_server.web.errors import error_text_response
from livefile_server.web.function_request import json_response
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.routes import Routes

_WAIT_S_MAX = limits.HEALTH_WAIT_MS_MAX / 1000


class Health:
    """Asks ``livefile``; its answer comes through ``mailbox``."""

    def __init__(self, livefile: Livefile, mailbox: Mailbox) -> None:
        self._livefile = livefile
        self._mailbox = mailbox

    def add_routes(self, routes: Routes) -> None:
        """Answer ``GET /api/health``."""
        routes.add_get("/api/health", self.get)

    async def get(self, request: web.BaseRequest) -> web.Response:
        """Answer 200 if the engine answers in time, else 503."""
        asked: asyncio.Future[object] = self._mailbox.loop.create_future()
        try:
            self._livefile.submit_batch([], partial(self._mailbox.post, _resolve, asked))
            async with asyncio.timeout(_WAIT_S_MAX):
                answer = await asked
        except TimeoutError:
            return _unwell(f"The engine did not answer in {_WAIT_S_MAX:.0f} s")
        except LivefileError as error:
            return _unwell(str(error))
        if isinstance(answer, LivefileError):
            return _unwell(str(answer))
        return json_response(b'{"status":"ok"}')


def _unwell(message: str) -> web.Response:
    return error_text_response(503, "Unhealthy", message)


def _resolve(asked: asyncio.Future[object], answer: object) -> None:
    if not asked.done():
        asked.set_result(answer)
