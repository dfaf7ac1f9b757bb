"""Transitions that are encoded once for all clients that get the same one.

When a thousand clients watch one query, a commit moves most of them from the same version to
the same version with the same outcome object. The first one encodes, the rest send its bytes.

One object per server, used on its event loop only. Not here: transitions that answer a change of
the query set or of the identity; they hold the clock skew of their one client.
"""

from collections.abc import Mapping

from livefile import Outcome, limits
from livefile_server.sync.redaction import Redaction
from livefile_server.sync.state import Version
from livefile_server.sync.wire import encode_transition

# Different for objects that are alive together, as ``id`` is. But ``id`` raises an audit event,
# and the engine's hook, which guards the functions, would run for each delivery.
_identity = object.__hash__

Outcomes = Mapping[int, Outcome | None]


class SharedTransitions:
    """The encoded transitions to the newest timestamp, bounded in number and in size."""

    def __init__(self, redaction: Redaction | None = None) -> None:
        self._redaction = redaction or Redaction()
        self._ts = 0
        self._size_bytes = 0
        # The outcomes are kept beside the bytes because the keys hold their identities,
        # which must not be given to other objects meanwhile.
        self._transitions: dict[tuple[int, ...], tuple[bytes, Outcomes]] = {}

    def encode(self, start: Version, end: Version, outcomes: Outcomes, server_ns: int) -> bytes:
        """Return the transition, which changes the timestamp only.

        ``outcomes`` must not be changed afterwards. ``server_ns`` is that of the first caller.
        """
        assert start.query_set == end.query_set
        assert start.identity == end.identity
        if end.ts != self._ts:
            self._clear()
            self._ts = end.ts
        key = [start.ts, start.query_set, start.identity]
        for query_id, outcome in outcomes.items():
            key += (query_id, _identity(outcome))
        known = self._transitions.get(tuple(key))
        if known is not None:
            return known[0]
        shown = self._redaction.outcomes(outcomes)
        transition = encode_transition(start, end, shown, server_ns)
        self._keep(tuple(key), transition, outcomes)
        return transition

    def _keep(self, key: tuple[int, ...], transition: bytes, outcomes: Outcomes) -> None:
        if (
            len(self._transitions) >= limits.TRANSITIONS_SHARED_MAX
            or self._size_bytes + len(transition) > limits.TRANSITIONS_SHARED_SIZE_BYTES_MAX
        ):
            self._clear()
        if len(transition) <= limits.TRANSITIONS_SHARED_SIZE_BYTES_MAX:
            self._transitions[key] = (transition, outcomes)
            self._size_bytes += len(transition)

    def _clear(self) -> None:
        self._transitions.clear()
        self._size_bytes = 0
