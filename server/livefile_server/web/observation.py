"""What is seen of a deployment from outside, for those who operate it: the log and the metrics.

Not here: the routes themselves (``log_stream.py``, ``metrics.py``).
"""

from collections.abc import Callable

from livefile import Livefile
from livefile_server.auth.keys import AdminKeys
from livefile_server.web.call_counts import CallCounts
from livefile_server.web.call_history import CallHistory
from livefile_server.web.log_stream import LogStream
from livefile_server.web.mailbox import Mailbox
from livefile_server.web.metrics import Metrics
from livefile_server.web.routes import Routes


class Observation:
    """Hears of every call of ``livefile`` from now on. ``close`` ends it, and lets nobody wait."""

    def __init__(
        self,
        livefile: Livefile,
        keys: AdminKeys,
        mailbox: Mailbox,
        now_ns: Callable[[], int],
        sockets_count: Callable[[], int],
    ) -> None:
        counts = CallCounts()
        self._history = CallHistory(mailbox, now_ns, counts)
        self._end = livefile.observe_calls(self._history.add, self._history.add)
        self._log_stream = LogStream(self._history, keys)
        self._metrics = Metrics(livefile, keys, self._history, counts, sockets_count)

    def add_routes(self, routes: Routes) -> None:
        """Add both routes."""
        self._log_stream.add_routes(routes)
        self._metrics.add_routes(routes)

    def close(self) -> None:
        """Hear no more. Whoever waits for news is answered that there are none."""
        self._end()
        self._history.close()
