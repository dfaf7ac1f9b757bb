"""What is asked of the reactive layer, in the order in which it was asked.

Not here: the answers (``reactive/subscriptions.py``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livefile.functions.call import Call, Outcome
from livefile.functions.work_queue import WorkQueue
from livefile.reactive.live_query import Watcher
from livefile.reactive.query_set import QuerySetChange
from livefile.vocabulary.errors import LivefileError
from livefile.vocabulary.limits import QUERIES_QUEUED_MAX


# Not frozen, because making one would take twice the time, and every call makes one.
@dataclass(slots=True)
class Query:
    """Run queries at one snapshot."""

    calls: Sequence[Call]
    done: Callable[[list[Outcome] | LivefileError], None]


@dataclass(frozen=True, slots=True)
class PastQuery:
    """Run a query as of a timestamp."""

    call: Call
    ts: int
    done: Callable[[Outcome | LivefileError], None]


@dataclass(frozen=True, slots=True)
class Answered:
    """Tell the caller of a past query, which ran elsewhere, its outcome."""

    request: PastQuery
    outcome: Outcome | LivefileError


@dataclass(frozen=True, slots=True)
class Change:
    """Change a query set."""

    watcher: Watcher
    change: QuerySetChange


@dataclass(frozen=True, slots=True)
class Require:
    """Send an update at ``ts`` or later, even if nothing changed."""

    watcher: Watcher
    ts: int


@dataclass(frozen=True, slots=True)
class Close:
    """Forget a watcher."""

    watcher: Watcher


@dataclass(frozen=True, slots=True)
class RunAgain:
    """Run every query anew."""

    done: Callable[[None], None]


Request = Query | PastQuery | Answered | Change | Require | Close | RunAgain


class Requests(WorkQueue[Request]):
    """All requests that wait. Every method but ``take`` may be called on any thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Take how to ask for a step of the engine."""
        super().__init__(QUERIES_QUEUED_MAX, "TooManyConcurrentRequests", wake)

    def query(
        self, calls: Sequence[Call], done: Callable[[list[Outcome] | LivefileError], None]
    ) -> None:
        """Run queries at one snapshot, or take their outcomes from the cache.

        Raises:
            OverloadedError: too many requests are waiting.
        """
        self.put(Query(calls=calls, done=done))

    def query_past(
        self, call: Call, ts: int, done: Callable[[Outcome | LivefileError], None]
    ) -> None:
        """Run a query as it would have run at ``ts``; LogTrimmedError if that is not kept."""
        self.put(PastQuery(call=call, ts=ts, done=done))

    def answered(self, answered: Answered) -> None:
        """Tell the caller of a past query its outcome."""
        self.put_always(answered)

    def change(self, watcher: Watcher, change: QuerySetChange) -> None:
        """Change a query set; one update will echo the change's versions."""
        self.put(Change(watcher=watcher, change=change))

    def require(self, watcher: Watcher, ts: int) -> None:
        """Ask for an update at ``ts`` or later, even if nothing changed."""
        self.put_always(Require(watcher=watcher, ts=ts))

    def close_watcher(self, watcher: Watcher) -> None:
        """Deliver nothing more to a watcher and forget its queries."""
        watcher.is_closed = True
        self.put_always(Close(watcher=watcher))

    def run_again(self, done: Callable[[None], None]) -> None:
        """Run every query anew, because the code changed."""
        self.put(RunAgain(done=done))
