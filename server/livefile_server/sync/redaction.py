"""What clients hear of a failure: all of it while an app is made, little of it in production.

The text of an error and the lines that a function printed may hold what was meant for the app's
author only. The data of a ``ConvexError`` is meant for the client, and so it always goes out.

Not here: the log of calls, which keeps everything and is for admins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from livefile import Failure, Outcome


@dataclass(frozen=True, slots=True)
class Redaction:
    """The switch, and what it does to outcomes."""

    is_on: bool = False

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return what a client may see of an outcome.

        Of a failure's text that is the first line, which names the request: the author finds the
        rest by it in the log.
        """
        if not self.is_on:
            return outcome
        if isinstance(outcome, Failure):
            return self.failure(outcome)
        return replace(outcome, log_lines=()) if outcome.log_lines else outcome

    def failure(self, failure: Failure) -> Failure:
        """Do the same for what is known to be a failure."""
        if not self.is_on:
            return failure
        return replace(failure, message=failure.message.partition("\n")[0], log_lines=())

    def outcomes(self, outcomes: Mapping[int, Outcome | None]) -> Mapping[int, Outcome | None]:
        """Do the same for the outcomes of a transition."""
        if not self.is_on:
            return outcomes
        return {
            query_id: None if outcome is None else self.outcome(outcome)
            for query_id, outcome in outcomes.items()
        }
