"""What one client watches: the messages that go to and come from the reactive layer.

A client holds one query set. It changes it (``QuerySetChange``) and receives updates
(``Update``), each of which moves all its queries to one timestamp.

Not here: who runs the queries (``reactive/subscriptions.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from livefile.functions.call import Outcome
from livefile.model.identity import Identity
from livefile.model.value import Value


@dataclass(frozen=True, slots=True)
class WatchQuery:
    """One query to add to a query set. ``query_id`` is the client's own number for it.

    ``journal`` is that of the last outcome that the client has seen, if it comes back with one.
    """

    query_id: int
    path: str
    args: Mapping[str, Value]
    journal: str | None = None


@dataclass(frozen=True, slots=True)
class QuerySetChange:
    """One change of a query set, answered by exactly one ``Update``.

    The two versions are the client's and are echoed. A change of ``identity`` re-runs every
    query of the set under the new identity.
    """

    query_set_version: int
    identity_version: int
    identity: Identity
    added: tuple[WatchQuery, ...] = ()
    removed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """The new state of a query set at ``ts``: queries that are not named are unchanged.

    ``outcomes`` maps a query id to its new outcome, or to None once it was removed. An outcome
    object is shared by all clients that watch the same query, so encode it once.
    """

    ts: int
    query_set_version: int
    identity_version: int
    outcomes: Mapping[int, Outcome | None]
