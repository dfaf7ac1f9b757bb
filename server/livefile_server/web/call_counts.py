"""Finished calls, counted by kind and result, and how long they took.

Counted in plain integers, because the counters of a library cost more than all the rest of a
record. Not here: their text form (``metrics_text.py``).
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

from livefile import CallRecord

# From a short read to the time limit, and beyond it for actions.
DURATIONS_MS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 30_000)


@dataclass(slots=True)
class CallCount:
    """The calls of one kind with one result.

    ``buckets`` hold those up to each of ``DURATIONS_MS`` but above the one before it, and last
    those above all; calls with a result from the cache are not in there.
    """

    buckets: list[int]
    duration_ms: float = 0.0
    cached: int = 0
    retries: int = 0
    documents_read: int = 0
    bytes_read: int = 0
    documents_written: int = 0
    bytes_written: int = 0


class CallCounts:
    """All counts. ``add`` is an observer of calls, for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, bool], CallCount] = {}

    def add(self, record: CallRecord) -> None:
        """Count a call."""
        # Not ``value``, which takes three times as long.
        key = record.kind._value_, record.error is None
        with self._lock:
            count = self._counts.get(key)
            if count is None:
                count = self._counts[key] = CallCount([0] * (len(DURATIONS_MS) + 1))
            if record.is_cached:
                count.cached += 1
                return
            count.buckets[bisect_left(DURATIONS_MS, record.duration_ms)] += 1
            count.duration_ms += record.duration_ms
            count.retries += record.retries
            count.documents_read += record.documents_read
            count.bytes_read += record.bytes_read
            count.documents_written += record.documents_written
            count.bytes_written += record.bytes_written

    def __iter__(self) -> Iterator[tuple[tuple[str, str], CallCount]]:
        """Yield the kind and the result, and what was counted of them up to now."""
        with self._lock:
            counts = [
                ((kind, "success" if is_success else "error"), replace(it, buckets=[*it.buckets]))
                for (kind, is_success), it in self._counts.items()
            ]
        return iter(counts)
