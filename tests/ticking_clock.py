"""A clock for tests of batches: time passes whenever somebody looks at it, and only then."""


class TickingClock:
    """Moves by ``tick_ms`` with each look, so that a batch ends after a few documents."""

    def __init__(self, tick_ms: float = 1.0) -> None:
        self._now_ns = 1_700_000_000_000_000_000
        self._tick_ns = int(tick_ms * 1_000_000)

    def now_ns(self) -> int:
        """Return the time, a tick later than before."""
        self._now_ns += self._tick_ns
        return self._now_ns
