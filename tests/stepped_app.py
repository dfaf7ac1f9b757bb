"""An app driven by hand: nothing runs but in ``step``, in the test's own thread.

Not here: deployments with threads; tests of those open a ``Livefile`` themselves.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from livefile import (
    ANONYMOUS,
    App,
    Call,
    CallRecord,
    Failure,
    FunctionKind,
    Identity,
    Livefile,
    LivefileError,
    LiveQuerySet,
    ManualClock,
    Outcome,
    QuerySetChange,
    RequestKey,
    Success,
    Update,
    Value,
    WatchQuery,
    from_json,
)
from livefile.model.value import normalize
from tests.app_folder import write_app


class SteppedApp:
    """An app and its file. A context manager: it closes the file."""

    def __init__(
        self,
        folder: Path,
        modules: Mapping[str, str],
        *,
        path: Path | str = ":memory:",
        clock: ManualClock | None = None,
        seed: int = 1,
    ) -> None:
        self.clock = ManualClock() if clock is None else clock
        self.app = App.load(write_app(folder, modules))
        self.livefile = Livefile.open(
            path, self.app, clock=self.clock, seed=seed, has_threads=False
        )
        self.runs: list[CallRecord] = []
        self.livefile.observe_calls(self._note_run)

    def step(self) -> None:
        """Do all work that waits."""
        self.livefile.step()

    def submit(
        self,
        kind: FunctionKind | None,
        path: str,
        args: Mapping[str, Any],
        identity: Identity = ANONYMOUS,
        request_key: RequestKey | None = None,
        query_set: LiveQuerySet | None = None,
    ) -> list[Outcome | LivefileError]:
        """Submit a call and return the list that its answer will be put into."""
        answers: list[Outcome | LivefileError] = []
        call = Call(
            path=path,
            args=values(args),
            identity=identity,
            request_id="0123456789abcdef",
            request_key=request_key,
        )
        self.livefile.submit(call, kind, answers.append, query_set)
        return answers

    def query(self, path: str, identity: Identity = ANONYMOUS, **args: Any) -> Outcome:
        """Run a query, or have its outcome from the cache."""
        answers = self.submit(FunctionKind.QUERY, path, args, identity)
        self.step()
        return outcome_of(answers)

    def mutate(
        self,
        path: str,
        identity: Identity = ANONYMOUS,
        request_key: RequestKey | None = None,
        **args: Any,
    ) -> Outcome:
        """Run a mutation; live queries hear of it in the same step."""
        answers = self.submit(FunctionKind.MUTATION, path, args, identity, request_key)
        self.step()
        return outcome_of(answers)

    def query_at(
        self, ts: int, path: str, identity: Identity = ANONYMOUS, **args: Any
    ) -> Outcome | LivefileError:
        """Run a query as of ``ts``; such runs never touch the cache."""
        answers: list[Outcome | LivefileError] = []
        call = Call(path=path, args=values(args), identity=identity)
        self.livefile.submit_at(call, ts, answers.append)
        while not answers:
            self.step()
        (answer,) = answers
        return answer

    def _note_run(self, record: CallRecord) -> None:
        if not record.is_cached:
            self.runs.append(record)

    def count_runs(self, path: str) -> int:
        """Return how often a function ran since the last ``runs.clear()``."""
        return sum(1 + record.retries for record in self.runs if record.path == path)

    def client(self, identity: Identity = ANONYMOUS) -> "SteppedClient":
        """Return a client that watches nothing yet."""
        return SteppedClient(self, identity)

    def close(self) -> None:
        self.livefile.close()

    def __enter__(self) -> "SteppedApp":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SteppedClient:
    """One client's query set, with everything that was delivered to it."""

    def __init__(self, app: SteppedApp, identity: Identity) -> None:
        self._app = app
        self.identity = identity
        self.updates: list[Update] = []
        self.shown: dict[int, Outcome] = {}
        self.watched: dict[int, WatchQuery] = {}
        self.version = 0
        self.identity_version = 0
        self.query_set = app.livefile.open_query_set(self._deliver)

    def watch(self, query_id: int, path: str, **args: Any) -> None:
        """Add a query; the first outcome comes with the next step."""
        query = WatchQuery(query_id=query_id, path=path, args=values(args))
        self.watched[query_id] = query
        self.version += 1
        self._change(added=(query,))

    def unwatch(self, *query_ids: int) -> None:
        """Remove queries."""
        for query_id in query_ids:
            del self.watched[query_id]
        self.version += 1
        self._change(removed=query_ids)

    def become(self, identity: Identity) -> None:
        """Change who asks."""
        self.identity = identity
        self.identity_version += 1
        self._change()

    def value(self, query_id: int) -> Any:
        """Return the value that the client shows for a query; it must be a success."""
        return value_of(self.shown[query_id])

    def _change(self, added: tuple[WatchQuery, ...] = (), removed: tuple[int, ...] = ()) -> None:
        self.query_set.change(
            QuerySetChange(
                query_set_version=self.version,
                identity_version=self.identity_version,
                identity=self.identity,
                added=added,
                removed=removed,
            )
        )

    def _deliver(self, update: Update) -> None:
        self.updates.append(update)
        for query_id, outcome in update.outcomes.items():
            if outcome is None:
                self.shown.pop(query_id, None)
            else:
                self.shown[query_id] = outcome


def values(args: Mapping[str, Any]) -> dict[str, Value]:
    """Return arguments as the wire would bring them."""
    return cast(dict[str, Value], normalize(dict(args)))


def outcome_of(answers: list[Outcome | LivefileError]) -> Outcome:
    """Return the only answer, which must be an outcome."""
    (answer,) = answers
    assert isinstance(answer, Success | Failure), answer
    return answer


def value_of(outcome: Outcome | LivefileError) -> Any:
    """Return the result of a success; its numbers are floats."""
    assert isinstance(outcome, Success), outcome
    return from_json(outcome.json)


def message_of(outcome: Outcome | LivefileError) -> str:
    """Return the text of a failure without its first line, which holds the request id."""
    assert isinstance(outcome, Failure), outcome
    head, _, text = outcome.message.partition("\n")
    assert head.startswith("[Request ID: ")
    assert head.endswith("] Server Error")
    return text


def success_of(outcome: Outcome) -> Success:
    """Return the outcome, which must be a success."""
    assert isinstance(outcome, Success), outcome
    return outcome
