"""Queries that cannot even be tried, such as one with a path that is no path.

The engine never hears of them. Their failures join the transition that answers the change that
added them, so that to the client they are queries like any other.
"""

from livefile import Failure, Outcome, Update


class RefusedQueries:
    """The refused queries of one client, and what it has yet to hear of them."""

    def __init__(self) -> None:
        self._query_ids: set[int] = set()
        # (query set version, query id, outcome or None for removed), in order of version.
        self._untold: list[tuple[int, int, Outcome | None]] = []

    def refuse(self, query_set_version: int, query_id: int, failure: Failure) -> None:
        """Answer a query that came with this version of the query set by ``failure``."""
        self._query_ids.add(query_id)
        self._untold.append((query_set_version, query_id, failure))

    def remove(self, query_set_version: int, query_id: int) -> bool:
        """Return whether the query was refused; if so, its removal will be told."""
        if query_id not in self._query_ids:
            return False
        self._query_ids.remove(query_id)
        self._untold.append((query_set_version, query_id, None))
        return True

    def drop(self, query_set_version: int, query_id: int) -> None:
        """Tell the removal of a query that was added by the same message."""
        self._untold.append((query_set_version, query_id, None))

    def join(self, update: Update) -> Update:
        """Return ``update`` with all that is due by its version of the query set."""
        if not self._untold:
            return update
        outcomes = dict(update.outcomes)
        waiting = []
        for version, query_id, outcome in self._untold:
            if version <= update.query_set_version:
                outcomes[query_id] = outcome
            else:
                waiting.append((version, query_id, outcome))
        self._untold = waiting
        return Update(
            ts=update.ts,
            query_set_version=update.query_set_version,
            identity_version=update.identity_version,
            outcomes=outcomes,
        )
