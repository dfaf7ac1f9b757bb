"""Queries on the state of a past timestamp: in the slow lane, for they may have much to undo.

Not here: how a past state is made (``transaction/database.py``).
"""

from collections.abc import Callable

from livefile.functions.call import Outcome
from livefile.functions.callback import call_back
from livefile.functions.lane import Lane
from livefile.functions.watchdog import TimedOut
from livefile.reactive.query_run import QueryRuns, timed_out_run
from livefile.reactive.requests import Answered, PastQuery
from livefile.transaction.database import Database
from livefile.vocabulary.errors import LivefileError


class PastQueries:
    """Runs queries in the past. Their callers hear of it on the engine's thread."""

    def __init__(
        self,
        database: Database,
        runs: QueryRuns,
        lane: Lane,
        answer: Callable[[Answered], None],
    ) -> None:
        """Take the lane, and the way back to the engine's thread."""
        self._database = database
        self._runs = runs
        self._lane = lane
        self._answer = answer
        self._running: list[PastQuery] = []

    def __bool__(self) -> bool:
        """Return whether any is running."""
        return bool(self._running)

    def run(self, request: PastQuery) -> None:
        """Run a query; its caller hears the outcome."""
        self._running.append(request)
        self._lane.start(lambda: self._answer(Answered(request, self._outcome(request))))

    def take_answered(self, answered: Answered) -> None:
        """Tell the caller."""
        self._running.remove(answered.request)
        call_back(answered.request.done, answered.outcome)

    def abandon(self) -> list[PastQuery]:
        """Return those who wait, because none will be told any more."""
        return self._running

    def _outcome(self, request: PastQuery) -> Outcome | LivefileError:
        try:
            return self._runs.run_past(request.call, self._database, request.ts, self._lane.run)
        except LivefileError as error:
            return error
        except TimedOut:
            return timed_out_run(request.call, request.ts).outcome
