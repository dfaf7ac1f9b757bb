"""The versions of one socket: what its client asked for and what it was last sent.

The protocol chains transitions: each begins at the version at which the one before it ended,
and a client that sees a gap is stuck. So the chain has one owner, this file. A change names the
version that it is based on, and one that is based on another than the last is refused.

Not here: the bytes (``wire.py``), and who decides to send (``session.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from livefile import LivefileError, Update, errors, limits
from livefile_server.sync.messages import AddQuery, Authenticate, ModifyQuerySet


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the client: how many changes it contains, and at which timestamp."""

    query_set: int = 0
    identity: int = 0
    ts: int = 0


@dataclass(frozen=True, slots=True)
class Modifications:
    """The net effect of one ``ModifyQuerySet``.

    ``dropped`` were added and removed by the same message: they are never run.
    """

    added: tuple[AddQuery, ...]
    removed: tuple[int, ...]
    dropped: tuple[int, ...]


class ClientState:
    """What one client asked for and what it was sent."""

    def __init__(self) -> None:
        self.sent = Version()
        self.query_set_version = 0
        self.identity_version = 0
        # With what each costs: its share of the message that added it.
        self._query_sizes: dict[int, int] = {}

    def modify(self, message: ModifyQuerySet, size_bytes: int = 0) -> Modifications:
        """Accept a change of the query set, which came in a message of so many bytes.

        Raises:
            BadRequestError: the change is not based on the version received before it.
            OverloadedError: the set becomes too large.
            LivefileError: it adds a query twice or removes an unknown one. Nothing is changed
                by a message that is refused.
        """
        if message.base_version != self.query_set_version:
            raise errors.BadRequestError(
                "BaseVersionMismatch",
                f"ModifyQuerySet has base version {message.base_version}, "
                f"expected {self.query_set_version}",
            )
        if message.new_version < message.base_version:
            raise errors.BadRequestError(
                "BaseVersionMismatch",
                f"ModifyQuerySet goes back from version {message.base_version} "
                f"to {message.new_version}",
            )
        sizes = dict(self._query_sizes)
        share_bytes = size_bytes // max(1, len(message.modifications))
        added: dict[int, AddQuery] = {}
        removed: set[int] = set()
        dropped: set[int] = set()
        for modification in message.modifications:
            query_id = modification.query_id
            if isinstance(modification, AddQuery):
                if query_id in sizes or query_id in removed or query_id in dropped:
                    raise LivefileError(f"Query {query_id} was added twice")
                sizes[query_id] = share_bytes
                added[query_id] = modification
            elif query_id not in sizes:
                raise LivefileError(f"Query {query_id} was removed, but it is not in the set")
            else:
                del sizes[query_id]
                if added.pop(query_id, None) is None:
                    removed.add(query_id)
                else:
                    dropped.add(query_id)
        _check_size(sizes)
        self._query_sizes = sizes
        self.query_set_version = message.new_version
        return Modifications(
            added=tuple(added.values()),
            removed=tuple(sorted(removed)),
            dropped=tuple(sorted(dropped)),
        )

    def check_authenticate(self, message: Authenticate) -> None:
        """Refuse a change of identity that is not based on the one received before it.

        Raises:
            LivefileError: the client counts otherwise than the server.
        """
        if message.base_version != self.identity_version:
            raise LivefileError(
                f"Authenticate has base version {message.base_version}, "
                f"expected {self.identity_version}"
            )

    def advance(self, update: Update) -> Version:
        """Return the version that the client reaches with ``update``, which is being sent."""
        start = self.sent
        assert update.ts >= start.ts
        assert update.query_set_version >= start.query_set
        assert update.identity_version >= start.identity
        self.sent = Version(
            query_set=update.query_set_version, identity=update.identity_version, ts=update.ts
        )
        return self.sent


def _check_size(sizes: Mapping[int, int]) -> None:
    if len(sizes) > limits.LIVE_QUERIES_PER_CLIENT_MAX:
        raise errors.OverloadedError(
            "TooManyLiveQueries",
            f"One client may watch {limits.LIVE_QUERIES_PER_CLIENT_MAX} queries, not {len(sizes)}",
        )
    size_bytes = sum(sizes.values())
    # A single message is taken whatever its size, which is bounded by itself.
    if len(sizes) > 1 and size_bytes > limits.LIVE_QUERIES_PER_CLIENT_SIZE_BYTES_MAX:
        raise errors.OverloadedError(
            "TooManyLiveQueries",
            f"One client may watch queries of {limits.LIVE_QUERIES_PER_CLIENT_SIZE_BYTES_MAX} "
            f"bytes, not {size_bytes}",
        )
