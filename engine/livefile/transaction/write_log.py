"""The tail of the commit log in memory: which index keys each recent commit touched.

The committer asks it for conflicts, the reactive layer for what to re-run. A commit is in here
from the moment it was applied, before it is durable: whoever acts on it asks the database what
is published.

Not here: the log in the file, which holds the documents (``sqlite/commit_log.py``).
"""

import threading
from bisect import bisect_right

from livefile.model.write import IndexWrites
from livefile.transaction.read_set import ReadSet
from livefile.vocabulary.errors import LogTrimmedError
from livefile.vocabulary.limits import WRITE_LOG_COMMITS_MAX, WRITE_LOG_KEYS_MAX


class WriteLog:
    """The newest commits after ``start_ts``, ascending. Safe for threads."""

    def __init__(self, start_ts: int) -> None:
        self._start_ts = start_ts
        self._timestamps: list[int] = []
        self._writes: list[IndexWrites] = []
        self._keys_count = 0
        self._lock = threading.Lock()

    def append(self, ts: int, writes: IndexWrites) -> None:
        """Add a commit; ``ts`` is above all before it."""
        with self._lock:
            assert not self._timestamps or ts > self._timestamps[-1]
            self._timestamps.append(ts)
            self._writes.append(writes)
            self._keys_count += _keys_count(writes)
            if (
                len(self._timestamps) > WRITE_LOG_COMMITS_MAX
                or self._keys_count > WRITE_LOG_KEYS_MAX
            ):
                self._forget_older_half()

    def discard_after(self, ts: int) -> None:
        """Forget the commits after ``ts``: their group was rolled back."""
        with self._lock:
            position = bisect_right(self._timestamps, ts)
            self._keys_count -= sum(map(_keys_count, self._writes[position:]))
            del self._timestamps[position:]
            del self._writes[position:]

    def between(self, after_ts: int, up_to_ts: int) -> list[IndexWrites]:
        """Return what the commits with ``after_ts`` < ts <= ``up_to_ts`` touched, oldest first.

        Raises:
            LogTrimmedError: the log no longer reaches back to ``after_ts``.
        """
        with self._lock:
            if after_ts < self._start_ts:
                raise LogTrimmedError(
                    f"the write log begins after {self._start_ts}, asked for {after_ts}"
                )
            start = bisect_right(self._timestamps, after_ts)
            end = bisect_right(self._timestamps, up_to_ts)
            return self._writes[start:end]

    def has_conflict(self, reads: ReadSet, after_ts: int) -> bool:
        """Return whether a commit after ``after_ts`` changed something in ``reads``.

        Raises:
            LogTrimmedError: the log no longer reaches back to ``after_ts``.
        """
        newest_ts = self._timestamps[-1] if self._timestamps else self._start_ts
        if newest_ts <= after_ts:
            return False  # At the head: nothing can have come in between.
        return any(reads.is_touched_by(writes) for writes in self.between(after_ts, newest_ts))

    def _forget_older_half(self) -> None:
        """Forget half at once, so that the cost is spread over many commits. The newest stays."""
        half = len(self._timestamps) // 2
        if half:
            self._start_ts = self._timestamps[half - 1]
            self._keys_count -= sum(map(_keys_count, self._writes[:half]))
            del self._timestamps[:half]
            del self._writes[:half]


def _keys_count(writes: IndexWrites) -> int:
    return sum(map(len, writes.values()))
