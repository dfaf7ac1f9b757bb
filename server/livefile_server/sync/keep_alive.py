"""When a socket was last used, and what has to be sent so that both sides know it is alive.

Not here: the timer (``web/websocket.py``).
"""

from livefile import limits
from livefile_server.sync import wire
from livefile_server.sync.effects import Effect, SendFrame, SendPing

NS_PER_MS = 1_000_000


class KeepAlive:
    """The times of one socket, on a clock that never jumps."""

    def __init__(self, now_ns: int) -> None:
        self.heard_ns = now_ns
        """When the client was last heard of."""
        self.sent_ns = now_ns
        """When it was last sent a message."""
        self._pinged_ns = now_ns

    def is_silent(self, now_ns: int) -> bool:
        """Tell whether the client has to be given up."""
        return now_ns - self.heard_ns > limits.CLIENT_SILENCE_MS_MAX * NS_PER_MS

    def pings(self, now_ns: int, *, is_writable: bool) -> list[Effect]:
        """Return the pings that are due."""
        effects: list[Effect] = []
        if now_ns - self._pinged_ns >= limits.WEBSOCKET_PING_INTERVAL_MS * NS_PER_MS:
            self._pinged_ns = now_ns
            effects.append(SendPing())
        # npm's client does not see pings of the websocket; without this one it reconnects.
        is_idle = now_ns - self.sent_ns >= limits.IDLE_PING_INTERVAL_MS * NS_PER_MS
        if is_idle and is_writable:
            self.sent_ns = now_ns
            effects.append(SendFrame(wire.PING))
        return effects
