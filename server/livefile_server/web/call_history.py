"""The newest finished calls, what actions log while they run, and waiting for the next ones.

It is the memory behind ``livefile logs``: bounded in number and in size, gone with the process.

Not here: its address (``log_stream.py``); a log that stays (``settings/call_writer.py``).
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livefile import CallProgress, CallRecord, limits
from livefile_server.web.call_counts import CallCounts
from livefile_server.web.mailbox import Mailbox

NS_PER_MS = 1_000_000
# What a record takes beside its texts, roughly.
_RECORD_SIZE_BYTES = 600
# Calls that are sorted in together, if nobody waits for them: between two functions, code and data
# have to come from memory, which takes as long again.
_NEW_MAX = 64
# Two calls that end in the same moment still have an order.
_CURSOR_STEP_MS = 0.001

Kept = CallRecord | CallProgress


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls, oldest first, and the cursor after them."""

    records: Sequence[Kept]
    cursor_ms: float


class CallHistory:
    """The calls that ended last. ``add`` may be used on any thread, the rest on the loop's.

    ``counts`` gets them as well, at the latest with ``catch_up``.
    """

    def __init__(self, mailbox: Mailbox, now_ns: Callable[[], int], counts: CallCounts) -> None:
        self._mailbox = mailbox
        self._now_ns = now_ns
        self._counts = counts
        self._new: deque[Kept] = deque()
        self._lock = threading.Lock()
        self._kept: deque[tuple[float, int, Kept]] = deque()  # With cursors and sizes.
        self._size_bytes = 0
        self._newest_ms = 0.0
        self._waiting: list[asyncio.Future[None]] = []
        self._is_closed = False

    def add(self, record: Kept) -> None:
        """Take a call; the oldest ones make room."""
        self._new.append(record)
        # Texts may be large, and only what is sorted in is bounded in size.
        has_text = record.log_lines or (isinstance(record, CallRecord) and record.error is not None)
        if has_text or self._waiting or len(self._new) >= _NEW_MAX:
            self.catch_up()

    def catch_up(self) -> None:
        """Sort in what is new. Any thread."""
        if not self._new:
            return
        with self._lock:
            now_ms = self._now_ns() / NS_PER_MS
            while self._new:
                record = self._new.popleft()
                if isinstance(record, CallRecord):
                    self._counts.add(record)
                now_ms = max(now_ms, self._newest_ms + _CURSOR_STEP_MS)
                self._keep(record, now_ms)
        if self._waiting:
            self._mailbox.post(self._wake)

    def newest(self) -> Page:
        """Return the newest calls, as many as one answer may hold."""
        self.catch_up()
        with self._lock:
            kept = [record for _, _, record in self._kept][-limits.CALLS_PER_ANSWER_MAX :]
            return Page(kept, self._newest_ms or self._now_ns() / NS_PER_MS)

    async def after(self, cursor_ms: float) -> Page:
        """Return the oldest calls after a cursor; if there are none, wait for one for a while."""
        page = self._page_after(cursor_ms)
        if not page.records and not self._is_closed:
            waiter = self._mailbox.loop.create_future()
            self._waiting.append(waiter)
            try:
                async with asyncio.timeout(limits.CALL_LOG_WAIT_MS_MAX / 1000):
                    # One that came since the first look, on another thread, was not announced.
                    if not self._page_after(cursor_ms).records:
                        await waiter
            except TimeoutError:
                pass  # Then the page is empty.
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
            page = self._page_after(cursor_ms)
        return page

    def close(self) -> None:
        """Let nobody wait any more."""
        self._is_closed = True
        self._wake()

    def _page_after(self, cursor_ms: float) -> Page:
        self.catch_up()
        found: list[tuple[float, Kept]] = []
        with self._lock:
            # A cursor of the future is of an earlier process, whose clock was ahead.
            cursor_ms = min(cursor_ms, max(self._newest_ms, self._now_ns() / NS_PER_MS))
            for call_ms, _, record in reversed(self._kept):
                if call_ms <= cursor_ms:
                    break
                found.append((call_ms, record))
        found.reverse()
        found = found[: limits.CALLS_PER_ANSWER_MAX]
        return Page([record for _, record in found], found[-1][0] if found else cursor_ms)

    def _keep(self, record: Kept, now_ms: float) -> None:
        size_bytes = _RECORD_SIZE_BYTES
        if record.log_lines:
            size_bytes += sum(map(len, record.log_lines))
        if isinstance(record, CallRecord) and record.error is not None:
            size_bytes += len(record.error)
        self._newest_ms = now_ms
        self._kept.append((now_ms, size_bytes, record))
        self._size_bytes += size_bytes
        while (
            len(self._kept) > limits.CALLS_KEPT_MAX
            or self._size_bytes > limits.CALLS_KEPT_SIZE_BYTES_MAX
        ):
            self._size_bytes -= self._kept.popleft()[1]

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
