"""Answers of mutations, kept so that a client may repeat a request without harm.

The row is written in the mutation's own commit, so it exists exactly if the mutation's effects
do. Convex keeps the same record (``_session_requests``) for the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import apsw
import msgpack

from livefile.vocabulary.limits import SESSION_REQUEST_AGE_MS_MAX, SESSION_REQUEST_TRIM_ROWS_MAX

_FIND = "SELECT ts, outcome FROM session_requests WHERE session_id = ? AND request_number = ?"
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


def find(
    connection: apsw.Connection, session_id: str, request_number: int
) -> RecordedAnswer | None:
    """Return the answer to a request, None if it was not committed."""
    row = connection.execute(_FIND, (session_id, request_number)).get
    if row is None:
        return None
    json, log_lines = msgpack.unpackb(row[1])
    return RecordedAnswer(ts=row[0], json=json, log_lines=log_lines)


def add(
    connection: apsw.Connection,
    session_id: str,
    request_number: int,
    answer: RecordedAnswer,
) -> None:
    """Record an answer in the open transaction."""
    outcome = msgpack.packb([answer.json, list(answer.log_lines)])
    connection.execute(_ADD, (answer.ts, session_id, request_number, outcome))


def trim(connection: apsw.Connection, now_ns: int) -> None:
    """Remove the oldest answers past their time, a bounded number."""
    oldest_kept_ts = now_ns - SESSION_REQUEST_AGE_MS_MAX * 1_000_000
    connection.execute(_TRIM, (oldest_kept_ts, SESSION_REQUEST_TRIM_ROWS_MAX))
