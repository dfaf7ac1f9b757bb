"""The commit log as a table of the file: what each commit changed, and which call made it.

Change feeds, reads in the past, replicas and exact replay start here. A row is never changed;
the oldest go when the log is too old or too large.

Not here: the tail of the log in memory (``transaction/write_log.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import msgpack

from livefile.model.write import DocumentWrite
from livefile.vocabulary.limits import (
    COMMIT_LOG_AGE_MS_MAX,
    COMMIT_LOG_SIZE_BYTES_MAX,
    COMMIT_LOG_TRIM_ROWS_MAX,
)

_APPEND = "INSERT INTO commits (ts, log_offset, writes, call) VALUES (?, ?, ?, ?)"
_NEWEST = "SELECT max(ts) FROM commits"
_END = "SELECT ts, log_offset + length(writes) + length(call) FROM commits ORDER BY ts DESC LIMIT 1"
_OLDEST = "SELECT ts, log_offset FROM commits ORDER BY ts LIMIT 1"
_BETWEEN = "SELECT ts, writes, call FROM commits WHERE ts > ? AND ts <= ? ORDER BY ts {direction}"
_TRIM = """
DELETE FROM commits WHERE ts IN (
    SELECT ts FROM commits WHERE (ts < ? OR log_offset < ?) AND ts < ? ORDER BY ts LIMIT ?
)
"""


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """One row of the log. ``call`` is what the runner recorded of the call."""

    ts: int
    writes: Sequence[DocumentWrite]
    call: Mapping[str, Any]  # Any: msgpack's reading of the record.


class CommitLog:
    """The writer's side of the log: it knows where the log ends. Writer's thread only."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        end = connection.execute(_END).get
        self.last_ts: int = end[0] if end else 0
        self._end_offset: int = end[1] if end else 0
        self._start: tuple[int, int] | None = connection.execute(_OLDEST).get

    def append(self, ts: int, writes: Sequence[DocumentWrite], call: bytes) -> None:
        """Add a commit; ``ts`` is above all before it."""
        packed = msgpack.packb([(w.table_number, w.internal_id, w.before, w.after) for w in writes])
        self._connection.execute(_APPEND, (ts, self._end_offset, packed, call))
        if self._start is None:
            self._start = (ts, self._end_offset)
        self._end_offset += len(packed) + len(call)
        self.last_ts = ts

    def trim(self, now_ns: int) -> None:
        """Remove the oldest commits over the limits, a bounded number; the newest one stays."""
        oldest_ts = now_ns - COMMIT_LOG_AGE_MS_MAX * 1_000_000
        oldest_offset = self._end_offset - COMMIT_LOG_SIZE_BYTES_MAX
        if self._start is None:
            return
        start_ts, start_offset = self._start
        if start_ts < oldest_ts or start_offset < oldest_offset:
            bindings = (oldest_ts, oldest_offset, self.last_ts, COMMIT_LOG_TRIM_ROWS_MAX)
            self._connection.execute(_TRIM, bindings)
            self._start = self._connection.execute(_OLDEST).get

    def reset(self) -> None:
        """Look up the end again, after a transaction was rolled back."""
        self.__init__(self._connection)  # type: ignore[misc]  # The state is the last row.


def newest_ts(connection: apsw.Connection) -> int:
    """Return the timestamp of the newest commit that this connection sees."""
    return connection.execute(_NEWEST).get or 0


def oldest_ts(connection: apsw.Connection) -> int:
    """Return the timestamp of the oldest commit in the log, 0 if the log is empty."""
    oldest = connection.execute(_OLDEST).get
    return oldest[0] if oldest else 0


def commits_between(
    connection: apsw.Connection, after_ts: int, up_to_ts: int, *, is_descending: bool = False
) -> Iterator[CommitRecord]:
    """Yield the commits with ``after_ts`` < ts <= ``up_to_ts``, oldest first unless descending."""
    sql = _BETWEEN.format(direction="DESC" if is_descending else "ASC")
    for ts, writes, call in connection.execute(sql, (after_ts, up_to_ts)):
        yield CommitRecord(
            ts=ts,
            writes=[
                DocumentWrite(table_number=number, internal_id=id, before=before, after=after)
                for number, id, before, after in msgpack.unpackb(writes)
            ],
            call=msgpack.unpackb(call),
        )
