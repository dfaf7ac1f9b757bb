"""What the watchers have yet to hear: one update for each, complete and at one timestamp.

Changes gather until an update can go out. A watcher with a slow query gets a prepared update: all
outcomes at one timestamp but those of the slow queries, which are filled in when they are there.
Meanwhile further changes gather for the update after it.

Not here: the outcomes (``reactive/subscriptions.py``).
"""

from livefile.functions.call import Outcome
from livefile.functions.callback import call_back
from livefile.reactive.live_query import PreparedUpdate, Watcher
from livefile.reactive.query_set import Update
from livefile.reactive.slow_queries import SlowQueries


class Deliveries:
    """The changes that wait, by watcher. Engine's thread."""

    def __init__(self, slow: SlowQueries) -> None:
        """Take the slow queries, which updates may have to wait for."""
        self._slow = slow
        self._changed: dict[Watcher, dict[int, Outcome | None]] = {}
        self._required: list[tuple[Watcher, int]] = []

    def touch(self, watcher: Watcher) -> None:
        """Let a watcher have an update even if no outcome changed."""
        self._changed.setdefault(watcher, {})

    def note(self, watcher: Watcher, query_id: int, outcome: Outcome) -> None:
        """Remember a new outcome, unless it is what the watcher has or will have."""
        known = watcher.sent.get(query_id)
        if watcher.prepared is not None:
            known = watcher.prepared.outcomes.get(query_id, known)
        if known != outcome:
            self._changed.setdefault(watcher, {})[query_id] = outcome
        elif watcher in self._changed:
            self._changed[watcher].pop(query_id, None)

    def note_removed(self, watcher: Watcher, query_id: int) -> None:
        """Remember that a query is gone."""
        self.take_back(watcher)
        watcher.sent.pop(query_id, None)
        self._changed.setdefault(watcher, {})[query_id] = None

    def require(self, watcher: Watcher, ts: int) -> None:
        """Let a watcher have an update at ``ts`` or later."""
        self._required.append((watcher, ts))

    def forget(self, watcher: Watcher) -> None:
        """Deliver nothing more to a watcher."""
        self._changed.pop(watcher, None)

    def fill_in(self, watcher: Watcher, query_id: int, outcome: Outcome) -> None:
        """Put the outcome of a slow query into the update that waits for it."""
        assert watcher.prepared is not None
        watcher.prepared.waiting.discard(query_id)
        if watcher.sent.get(query_id) != outcome:
            watcher.prepared.outcomes[query_id] = outcome
        else:  # There may be one of a state in between, which was never sent.
            watcher.prepared.outcomes.pop(query_id, None)
        if not watcher.prepared.waiting:
            prepared, watcher.prepared = watcher.prepared, None
            self._send(watcher, prepared.update())

    def take_back(self, watcher: Watcher) -> None:
        """Let the next update say what a prepared one would have said: it can't be complete now."""
        prepared, watcher.prepared = watcher.prepared, None
        if prepared is not None:
            self._changed[watcher] = {**prepared.outcomes, **self._changed.get(watcher, {})}

    def send(self, ts: int) -> None:
        """Hand every watcher that changed, or must move, its update at ``ts``."""
        if self._required:
            for watcher, required_ts in self._required:
                if required_ts <= ts:
                    self.touch(watcher)
            self._required = [
                pair for pair in self._required if pair[1] > ts and not pair[0].is_closed
            ]
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        for watcher, outcomes in changed.items():
            if self._must_wait(watcher):
                self._changed[watcher] = outcomes
                continue
            if waiting := self._pending_queries(watcher):
                watcher.prepared = PreparedUpdate(watcher, ts, outcomes, waiting)
                continue
            update = Update(
                ts=ts,
                query_set_version=watcher.query_set_version,
                identity_version=watcher.identity_version,
                outcomes=outcomes,
            )
            self._send(watcher, update)

    def _send(self, watcher: Watcher, update: Update) -> None:
        if watcher.is_closed:
            return
        for query_id, outcome in update.outcomes.items():
            if outcome is not None:
                watcher.sent[query_id] = outcome
        call_back(watcher.deliver, update)

    def _must_wait(self, watcher: Watcher) -> bool:
        """Tell whether no update at this cycle's timestamp can be complete."""
        slow = self._slow
        if not slow:
            return False
        return watcher.prepared is not None or any(
            entry.is_pending and not slow.is_in_cycle(entry)
            for _, entry in watcher.queries.values()
        )

    def _pending_queries(self, watcher: Watcher) -> set[int]:
        if not self._slow:
            return set()
        return {query_id for query_id, (_, entry) in watcher.queries.items() if entry.is_pending}
