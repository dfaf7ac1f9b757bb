"""Callers of queries beside the clients of the simulation: one query, several, or of the past.

They have no socket and no session: they ask the engine, and whoever asked when the server died
never hears. All results of one ask must be of one state, not older than when it was asked.

Not here: which state that may be (``core_oracle.py``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from livefile import (
    ADMIN,
    ANONYMOUS,
    Call,
    Failure,
    FunctionKind,
    LivefileError,
    Outcome,
    SnapshotExpiredError,
    Success,
)
from livefile_server.auth.impersonation import act_as
from tests.simulation.core_client import Refusal
from tests.simulation.core_model import Args
from tests.simulation.core_server import CoreServer


@dataclass(frozen=True, slots=True)
class Asked:
    """Queries of one caller that were answered; the state is of a moment in between."""

    caller: str
    queries: Sequence[tuple[str, Args]]
    first_ts: int
    last_ts: int
    results: Sequence[Any]


class CoreAsks:
    """All that was asked. ``note`` hears of each answer."""

    def __init__(self, note: Callable[..., None]) -> None:
        self.answered: list[Asked] = []
        self._note = note
        self._open: dict[int, None] = {}
        self._count = 0
        self._timestamps: list[int] = []

    @property
    def is_settled(self) -> bool:
        """Whether everybody who can hear has heard."""
        return not self._open

    @property
    def timestamps(self) -> Sequence[int]:
        """Moments that can be asked for: the newest state was of this timestamp."""
        return self._timestamps

    def ask(
        self,
        server: CoreServer,
        caller: str,
        queries: Sequence[tuple[str, Args]],
        past_ts: int | None,
    ) -> None:
        """Ask for the newest state, or for that of ``past_ts``."""
        self._count += 1
        number, first_ts = self._count, server.livefile.latest_ts
        self._open[number] = None
        self._timestamps.append(first_ts)

        def done(answers: list[Outcome] | Outcome | LivefileError) -> None:
            if number not in self._open:
                return  # The server died before it answered.
            del self._open[number]
            self._note("answer", number, answers)
            if past_ts is not None and isinstance(answers, SnapshotExpiredError):
                return
            outcomes = answers if isinstance(answers, list) else [answers]
            last_ts = server.livefile.latest_ts
            window = (first_ts, last_ts) if past_ts is None else (past_ts, past_ts)
            results = [_result(outcome) for outcome in outcomes]
            self.answered.append(Asked(caller, queries, *window, results))

        calls = [_call(name, args, caller) for name, args in queries]
        if past_ts is not None:
            server.livefile.submit_at(calls[0], past_ts, server.unless_dead(done))
        elif len(calls) == 1:
            server.livefile.submit(calls[0], FunctionKind.QUERY, server.unless_dead(done))
        else:
            server.livefile.submit_batch(calls, server.unless_dead(done))

    def forget(self) -> None:
        """Take the news that the server died."""
        self._open.clear()


def _call(name: str, args: Args, caller: str) -> Call:
    # As the clients' identities are, so that results may be shared with theirs.
    user = {"issuer": "core", "subject": caller}
    identity = ANONYMOUS if caller == "nobody" else act_as(ADMIN, user)
    return Call(path=f"core:{name}", args=args, identity=identity)


def _result(outcome: Outcome | LivefileError) -> Any:
    if isinstance(outcome, Success):
        return orjson.loads(outcome.json)
    if isinstance(outcome, Failure) and outcome.data_json is not None:
        return Refusal(orjson.loads(outcome.data_json))
    return outcome  # No model has this, so it is found out.
