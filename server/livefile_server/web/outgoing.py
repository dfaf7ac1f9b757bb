"""The text messages to one socket, some of which are written together.

The answer to a mutation is mostly followed by a transition in the same step of the engine. A write
to a socket costs more than making either message, so the answer is held for that moment.

Not here: frames (``frames.py``), and what a slow reader does not get (``sync/outbox.py``).
"""

import asyncio
from collections.abc import Callable

from livefile import limits
from livefile_server.web.frames import append_text, is_whole, write_text


class Outgoing:
    """Messages in order, to ``transport``; ``written`` is called after each write."""

    __slots__ = ("_held", "_loop", "_transport", "_written")

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        written: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._written = written
        self._held: bytearray | None = None

    def send(self, payload: bytes) -> None:
        """Write one message, or hold it. If the connection is gone, forget it."""
        if self._held is not None:
            if is_whole(payload):
                self._keep(self._held, payload)
                return
            self.flush()
        if not self._transport.is_closing():
            write_text(self._transport, payload)
            self._written()

    def hold(self) -> None:
        """Hold what is sent from now on, until ``flush`` or the next turn of the loop."""
        if self._held is None:
            self._held = bytearray()

    def flush(self) -> None:
        """Write what is held, and hold no more."""
        held, self._held = self._held, None
        if held and not self._transport.is_closing():
            self._transport.write(held)
            self._written()

    def _keep(self, held: bytearray, payload: bytes) -> None:
        if not held:
            self._loop.call_soon(self.flush)
        append_text(held, payload)
        if len(held) > limits.SOCKET_BUFFER_SIZE_BYTES_MAX:
            self.flush()
