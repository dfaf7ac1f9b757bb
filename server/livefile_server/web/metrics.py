"""``/metrics``: what a deployment does, for whoever draws it or raises an alarm.

For programs on this machine, and for the holder of the admin key. The values are read when
somebody asks; there is no second count of anything.

Not here: the metrics and their text (``metrics_text.py``).
"""

from collections.abc import Callable

from aiohttp import hdrs, web

from livefile import Livefile, errors
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.admin import is_from_here, require_admin
from livefile_server.web.call_counts import CallCounts
from livefile_server.web.call_history import CallHistory
from livefile_server.web.errors import error_response
from livefile_server.web.routes import Routes

METRICS_PATH = "/metrics"


class Metrics:
    """The route. ``history`` passes calls on to ``calls``."""

    def __init__(
        self,
        livefile: Livefile,
        keys: AdminKeys,
        history: CallHistory,
        calls: CallCounts,
        sockets_count: Callable[[], int],
    ) -> None:
        self._livefile = livefile
        self._keys = keys
        self._history = history
        self._calls = calls
        self._sockets_count = sockets_count

    def add_routes(self, routes: Routes) -> None:
        """Add the route."""
        routes.add_get(METRICS_PATH, self.get)

    async def get(self, request: web.BaseRequest) -> web.Response:
        """Answer with all metrics."""
        if not is_from_here(request):
            try:
                require_admin(request, self._keys)
            except errors.UnauthenticatedError as error:
                return error_response(error)
        # Here, because the library takes 35 ms to import, and many a server is never asked.
        from livefile_server.web.metrics_text import CONTENT_TYPE, metrics_text

        self._history.catch_up()
        text = metrics_text(self._livefile.figures(), self._calls, self._sockets_count())
        return web.Response(body=text, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})
