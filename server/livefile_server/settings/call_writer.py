"""Every finished call as a line of JSON, written by a thread of its own.

Whoever reads the log may be slow, and the engine must not wait for him: what does not fit into
the queue is left out, and a line says how many calls that were.

Not here: the form of a line (``call_entry.py``); the server's own log (``log.py``).
"""

import threading
from queue import SimpleQueue
from typing import BinaryIO

import orjson

from livefile import CallRecord, limits
from livefile_server.settings.call_entry import call_entry


class CallWriter:
    """Writes to ``stream`` from the first call on. ``write`` is an observer of calls."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._queue: SimpleQueue[CallRecord | None] = SimpleQueue()
        self._lost_count = 0
        self._thread = threading.Thread(target=self._run, name="livefile-call-log", daemon=True)
        self._thread.start()

    def write(self, record: CallRecord) -> None:
        """Have a call written soon. Any thread; returns at once."""
        if self._queue.qsize() >= limits.CALLS_UNWRITTEN_MAX:
            self._lost_count += 1  # Two threads may lose count of one; it is a hint, not a bill.
            return
        self._queue.put(record)

    def close(self) -> None:
        """Write what waits, and end."""
        self._queue.put(None)
        self._thread.join(limits.SHUTDOWN_DURATION_MS_MAX / 1000)

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            entry = call_entry(record)
            lines = orjson.dumps(entry) + b"\n"
            if self._lost_count:
                lost_count, self._lost_count = self._lost_count, 0
                lost = {"kind": "Lost", "timestamp": entry["timestamp"], "calls": lost_count}
                lines += orjson.dumps(lost) + b"\n"
            try:
                self._stream.write(lines)
                if self._queue.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # Nobody reads any more, or the stream is closed.
                return
