"""A client's hold on its query set: what it may ask of the reactive layer.

Not here: what happens then (``reactive/subscriptions.py``).
"""

from livefile.reactive.live_query import Watcher
from livefile.reactive.query_set import QuerySetChange
from livefile.reactive.requests import Requests


class LiveQuerySet:
    """The queries that one client watches. Every method returns at once."""

    def __init__(self, requests: Requests, watcher: Watcher) -> None:
        self._requests = requests
        self._watcher = watcher

    def change(self, change: QuerySetChange) -> None:
        """Add and remove queries, or change who asks; an update echoes the versions."""
        self._requests.change(self._watcher, change)

    def require(self, ts: int) -> None:
        """Ask for an update at ``ts`` or later, even if nothing changed."""
        self._requests.require(self._watcher, ts)

    def close(self) -> None:
        """Deliver nothing more."""
        self._requests.close_watcher(self._watcher)
