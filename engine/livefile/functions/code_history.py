"""Which code runs on which state: a deploy changes the code and the schema at one timestamp.

Functions on a snapshot from before a deploy run with the code from before it, so nobody sees new
code on tables and indexes that are not there yet.

Not here: loading code (``functions/app.py``); changing the schema (``transaction/committer.py``).
"""

from livefile.functions.runner import Runner

# Deploys that are remembered for snapshots from before them.
_DEPLOYS_MAX = 16


class CodeHistory:
    """The runner of each recent deploy, oldest first. Safe for threads; one of them adds."""

    def __init__(self, first: Runner) -> None:
        self._runners: tuple[tuple[int, Runner], ...] = ((0, first),)

    def add(self, ts: int, runner: Runner) -> None:
        """Let states from ``ts`` on be run with other code."""
        self._runners = (*self._runners[-_DEPLOYS_MAX:], (ts, runner))

    def take_back(self, runner: Runner) -> None:
        """Forget a runner: its deploy was not made durable."""
        self._runners = tuple(pair for pair in self._runners if pair[1] is not runner)

    def runner_at(self, ts: int) -> Runner:
        """Return the runner of the code that belongs to the state at ``ts``."""
        for start_ts, runner in reversed(self._runners):
            if start_ts <= ts:
                return runner
        return self._runners[0][1]
