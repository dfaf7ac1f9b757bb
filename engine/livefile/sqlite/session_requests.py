"""Answers of mutations, kept so that a client may repeat a request without harm.

The row is written in the mutation's own commit, so it exists exactly if the mutation's effects
do. Convex keeps the same record (``_session_requests``) for the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import apsw
import msgpack

from livefile.vocabulary.limits import (
    SESSION_REQUEST_AGE_MS_MAX,
    SESSION_REQUEST_TRIM_ROWS_MAX,
    SESSIONS_KNOWN_MAX,
)

_FIND = "SELECT ts, outcome FROM session_requests WHERE session_id = ? AND request_number = ?"
_NEWEST = "SELECT coalesce(max(request_number), -1) FROM session_requests WHERE session_id = ?"
_ADD = """
INSERT INTO session_requests (ts, session_id, request_number, outcome) VALUES (?, ?, ?, ?)
"""
_TRIM = """
DELETE FROM session_requests WHERE ts IN (
    SELECT ts FROM session_requests WHERE ts < ? ORDER BY ts LIMIT ?
)
"""


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What a mutation answered, and when it was committed."""

    ts: int
    json: bytes
    log_lines: Sequence[str]


class SessionRequests:
    """The writer's side of the table: it knows which requests cannot be in it. Writer's thread.

    A client numbers its requests upwards. So nearly every request is above all that its session
    ever had, and is known to be new without a look into the file.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        # For some sessions, a number above which they have no row. Rows that go, because they are
        # old or their group was rolled back, leave it as it is: it need not be the smallest one.
        self._newest: dict[str, int] = {}

    def is_surely_new(self, session_id: str, request_number: int) -> bool:
        """Return whether memory alone tells that a request was not committed."""
        newest = self._newest.get(session_id)
        return newest is not None and request_number > newest

    def find(self, session_id: str, request_number: int) -> RecordedAnswer | None:
        """Return the answer to a request, None if it was not committed."""
        if session_id not in self._newest:
            self._know(session_id, self._connection.execute(_NEWEST, (session_id,)).get)
        row = self._connection.execute(_FIND, (session_id, request_number)).get
        if row is None:
            return None
        json, log_lines = msgpack.unpackb(row[1])
        return RecordedAnswer(ts=row[0], json=json, log_lines=log_lines)

    def add(
        self, ts: int, session_id: str, request_number: int, json: bytes, log_lines: Sequence[str]
    ) -> None:
        """Record an answer in the open transaction."""
        outcome = msgpack.packb([json, list(log_lines)])
        self._connection.execute(_ADD, (ts, session_id, request_number, outcome))
        newest = self._newest.get(session_id)
        # Of a session that is not known, rows with larger numbers may be there.
        if newest is not None and request_number > newest:
            self._newest[session_id] = request_number

    def trim(self, now_ns: int) -> None:
        """Remove the oldest answers past their time, a bounded number."""
        oldest_kept_ts = now_ns - SESSION_REQUEST_AGE_MS_MAX * 1_000_000
        self._connection.execute(_TRIM, (oldest_kept_ts, SESSION_REQUEST_TRIM_ROWS_MAX))

    def _know(self, session_id: str, newest: int) -> None:
        if len(self._newest) >= SESSIONS_KNOWN_MAX:
            del self._newest[next(iter(self._newest))]  # The one known for longest.
        self._newest[session_id] = newest
