"""Testing an app: the real engine in memory, with a clock that only the test moves.

Everything is as in a served app, but for the network: transactions, live queries, schedules,
files, search. Nothing happens by itself: work is done in the test's thread, within each call.

Not here: the pytest fixture (``testing_fixture.py``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from livefile.engine import Livefile
from livefile.functions.app import App
from livefile.functions.call import Call
from livefile.functions.context import MutationCtx
from livefile.functions.decorators import mutation
from livefile.javascript.runtime import JavaScript
from livefile.model.identity import ANONYMOUS, Identity
from livefile.model.value import Value
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.clock import Clock, ManualClock

R = TypeVar("R")

_ACTIONS_DURATION_S_MAX = 30.0
_ISSUER = "https://test.example"


class AppTester(Livefile):
    """An app in memory. Made by ``open_app``; calls have no identity but in ``as_identity``.

    ``clock`` stands still unless ``advance_time`` moves it.
    """

    clock: ManualClock

    def __init__(
        self,
        database: Database,
        app: App,
        clock: Clock,
        random: Random,
        javascript: JavaScript,
        *,
        has_threads: bool,
    ) -> None:
        """Wire an app together; use ``open_app`` instead."""
        super().__init__(database, app, clock, random, javascript, has_threads=has_threads)
        assert isinstance(clock, ManualClock)
        self.clock = clock
        self._identity = ANONYMOUS
        self._actions.ended = self._driver.wake

    @contextmanager
    def as_identity(
        self, subject: str, issuer: str = _ISSUER, **claims: Value
    ) -> Iterator["AppTester"]:
        """Let calls inside the block be those of a signed-in user.

        ``claims`` are under the names that ``ctx.auth.get_user_identity()`` has them: ``name``,
        ``email``, ``emailVerified`` and so on.
        """
        before = self._identity
        required = {
            "subject": subject,
            "issuer": issuer,
            "tokenIdentifier": f"{issuer}|{subject}",
        }
        self._identity = Identity(attributes={**required, **claims})
        try:
            yield self
        finally:
            self._identity = before

    def run(self, body: Callable[[MutationCtx], R]) -> R:
        """Run a piece of the test as a mutation and commit it, to look and to prepare.

        Raises:
            LivefileError: what ``body`` raised, if it is one; nothing is written then.
        """

        def run(transaction: Transaction) -> R:
            call = Call(path="test:run", args={}, identity=self._identity, is_internal=True)
            return body(self._runner.context_of(_a_test, call, transaction))

        return self._system.run("test", run)

    def advance_time(self, duration: timedelta | None = None, **units: float) -> None:
        """Move the clock, and run what becomes due on the way, each at its time.

        ``advance_time(hours=1)`` takes what ``timedelta`` takes.

        Raises:
            TimeoutError: an action that was started did not end.
        """
        moved = timedelta(**units) if duration is None else duration
        end_ns = self.clock.now_ns() + round(moved / timedelta(microseconds=1)) * 1_000
        self.run_due()
        while (due_ns := self._driver.next_due_ns) is not None and due_ns <= end_ns:
            self.clock.set_ns(max(due_ns, self.clock.now_ns()))
            self.run_due()
        self.clock.set_ns(end_ns)
        self.run_due()

    def run_due(self) -> None:
        """Run what is due now, and wait for the actions that it started.

        Raises:
            TimeoutError: one of them did not end.
        """
        try:
            self._driver.settle(
                lambda: not self._actions.running_count, duration_s_max=_ACTIONS_DURATION_S_MAX
            )
        except TimeoutError:
            raise TimeoutError(
                f"{self._actions.running_count} actions did not end within "
                f"{_ACTIONS_DURATION_S_MAX:.0f} s"
            ) from None


@mutation
def _a_test(ctx: MutationCtx) -> None:
    """Stand for the test as the caller of what ``AppTester.run`` calls."""


def open_app(app: App | str | Path, *, now_ms: float | None = None, seed: int = 0) -> AppTester:
    """Open an app on an empty deployment in memory.

    Args:
        app: a loaded app, the import name of its package, or its folder.
        now_ms: where the clock stands, milliseconds since 1970; November 2023 if not given.
        seed: of all that is random, so that ids and throws of dice are the same in each run.

    Raises:
        AppError: the app cannot be loaded.
    """
    clock = ManualClock() if now_ms is None else ManualClock(round(now_ms * 1e6))
    return AppTester.open(":memory:", app, clock=clock, seed=seed, has_threads=False)
