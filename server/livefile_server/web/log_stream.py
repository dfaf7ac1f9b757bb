"""The log of calls over HTTP, for the holder of the admin key: a poll that waits for news.

Not here: which calls are kept (``call_history.py``); the form of an entry
(``settings/call_entry.py``).
"""

import math
from typing import Any

import orjson
from aiohttp import web

from livefile import CallProgress, CallRecord, errors
from livefile_server.auth.keys import AdminKeys
from livefile_server.settings.call_entry import call_entry, progress_entry
from livefile_server.web.admin import require_admin
from livefile_server.web.call_history import CallHistory
from livefile_server.web.function_request import json_response
from livefile_server.web.routes import Routes

LOG_PATHS = ("/api/stream_function_logs", "/api/app_metrics/stream_function_logs")


class LogStream:
    """The route. An action that runs is told of by entries of what it has logged by now.

    A reader begins with cursor 0 and comes back with the cursor it was given.
    """

    def __init__(self, history: CallHistory, keys: AdminKeys) -> None:
        self._history = history
        self._keys = keys

    def add_routes(self, routes: Routes) -> None:
        """Add the route, under both names that the protocol has for it."""
        for path in LOG_PATHS:
            routes.add_get(path, self.get)

    async def get(self, request: web.BaseRequest) -> web.Response:
        """Return the calls after a cursor; from 0 the newest ones, at once."""
        require_admin(request, self._keys)
        cursor_ms = _cursor_of(request.query.get("cursor", "0"))
        history = self._history
        page = history.newest() if cursor_ms == 0 else await history.after(cursor_ms)
        entries = [entry_of(record) for record in page.records]
        return json_response(orjson.dumps({"entries": entries, "newCursor": page.cursor_ms}))


def entry_of(record: CallRecord | CallProgress) -> dict[str, Any]:  # Any: a JSON tree.
    """Return a call as an entry of the stream."""
    if isinstance(record, CallProgress):
        return progress_entry(record)
    entry = call_entry(record)
    # A reader of the stream has had the others.
    entry["logLines"] = entry["logLines"][record.lines_told :]
    return entry


def _cursor_of(text: str) -> float:
    try:
        cursor_ms = float(text)
    except ValueError:
        cursor_ms = math.nan
    if not math.isfinite(cursor_ms) or cursor_ms < 0:
        raise errors.BadRequestError(
            "InvalidCursor", f"cursor must be 0 or the newCursor of an answer, not {text!r:.100}"
        )
    return cursor_ms
