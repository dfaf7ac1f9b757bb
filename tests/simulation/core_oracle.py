"""Whether everything that clients were told is true, judged by the model after the run.

The commit log says what was committed, in which order. Replayed on the model it says what every
query gives at every timestamp, so each transition that any client ever showed is compared whole,
and every answer as well.

Not here: what can be judged at once, such as the bank's sum (``core_client.py``).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

import orjson

from livefile import Livefile
from livefile.sqlite.commit_log import commits_between
from tests.integrity import check_integrity
from tests.simulation.core_asks import Asked
from tests.simulation.core_client import Answer, CoreClient, Refusal, Shown, query_name
from tests.simulation.core_model import Args, CoreModel, RefusedError


@dataclass(frozen=True, slots=True)
class _Commit:
    """One row of the commit log that a mutation of the app made."""

    ts: int
    name: str
    args: Args
    session: tuple[str, int] | None


# Mutations that never fail and always write: those of a session are committed in its order.
_CERTAIN = ("bump", "put")


def check_results(
    livefile: Livefile,
    clients: Sequence[CoreClient],
    asked: Sequence[Asked],
    versions: Sequence[tuple[float, int, int]],
) -> None:
    """Raise an AssertionError unless all answers and all transitions are those of the model.

    ``versions`` says which version of the code alone ran after one timestamp, up to another.
    Everything must be at rest: nothing is open, and the newest of each client must be fresh.
    """
    database = livefile._database  # The log and the integrity check have no public name.
    check_integrity(database)
    with database._connections.read() as connection:
        rows = [(row.ts, row.call) for row in commits_between(connection, 0, livefile.latest_ts)]
    commits = [commit for ts, call in rows if (commit := _commit_of(ts, call)) is not None]
    sessions = [commit.session for commit in commits if commit.session is not None]
    assert len(sessions) == len(set(sessions)), "a mutation was applied twice"
    made = {commit.session: commit for commit in commits if commit.session is not None}
    _check_requests(clients, made)
    _check_order(clients, commits)
    told: list[Shown | Answer] = []
    for client in clients:
        told += client.shown
        told += [answer for answer in client.answers if answer.ts is not None]
    told.sort(key=lambda item: cast(int, item.ts))
    model = _check_history(commits, clients, made, told)
    _check_asked(commits, asked)
    _check_versions(clients, versions)
    for client in clients:
        _check_fresh(livefile, client, model)


def _commit_of(ts: int, record: Mapping[str, Any]) -> _Commit | None:
    module, _, name = record["path"].partition(":")
    if module != "core":
        return None
    session = record["session"]
    return _Commit(
        ts=ts,
        name=name,
        args=record["args"],
        session=None if session is None else (session[0], session[1]),
    )


def _check_requests(clients: Sequence[CoreClient], made: Mapping[tuple[str, int], _Commit]) -> None:
    """Every request was answered, and every commit is one that somebody asked for."""
    by_name = {client.name: client for client in clients}
    for client in clients:
        answered = {answer.number for answer in client.answers}
        assert answered == set(client.requests), f"{client.name} has requests without an answer"
    for session, commit in made.items():
        assert by_name[session[0]].requests[session[1]] == (commit.name, commit.args)


def _check_order(clients: Sequence[CoreClient], commits: Sequence[_Commit]) -> None:
    for client in clients:
        numbers = [
            commit.session[1]
            for commit in commits
            if commit.session is not None
            and commit.session[0] == client.name
            and commit.name in _CERTAIN
        ]
        assert numbers == sorted(numbers), f"{client.name}'s mutations were committed as {numbers}"


def _check_asked(commits: Sequence[_Commit], asked: Sequence[Asked]) -> None:
    """The results of an ask are those of one state, of a moment while it was open."""
    model, remaining = CoreModel(), list(asked)
    for commit, after in zip([None, *commits], [*commits, None], strict=True):
        if commit is not None:
            model.mutate(commit.name, commit.args)
        start_ts = 0 if commit is None else commit.ts
        remaining = [
            ask
            for ask in remaining
            if ask.last_ts < start_ts
            or (after is not None and ask.first_ts >= after.ts)
            or list(ask.results) != [_outcome(model, *it, ask.caller) for it in ask.queries]
        ]
    assert not remaining, f"answers that were never right: {remaining}"


def _check_versions(
    clients: Sequence[CoreClient], versions: Sequence[tuple[float, int, int]]
) -> None:
    for client in clients:
        for shown in client.shown:
            seen = shown.outcomes.get(query_name("version", {}))
            for version, after_ts, last_ts in versions:
                is_surely = after_ts < shown.ts <= last_ts
                assert seen in (None, version) or not is_surely, f"code {seen} at {shown.ts}"


def _check_history(
    commits: Sequence[_Commit],
    clients: Sequence[CoreClient],
    made: Mapping[tuple[str, int], _Commit],
    told: Sequence[Shown | Answer],
) -> CoreModel:
    """Replay the commits; at each timestamp, compare what was told of it. Return the last state."""
    model = CoreModel()
    requests = {
        (client.name, number): request
        for client in clients
        for number, request in client.requests.items()
    }
    results: dict[int, Any] = {}
    remaining = list(told)[::-1]
    for commit in [*commits, None]:
        end_ts = None if commit is None else commit.ts
        while remaining and (end_ts is None or cast(int, remaining[-1].ts) < end_ts):
            item = remaining.pop()
            if isinstance(item, Shown):
                _check_shown(model, item)
                continue
            done = made.get((item.session, item.number))
            if done is not None and done.ts == item.ts:
                assert item.result == results[done.ts], f"{done}: answered {item.result}"
            else:
                _check_idle(model, requests[item.session, item.number], item)
        if commit is not None:
            results[commit.ts], has_written = model.mutate(commit.name, commit.args)
            assert has_written, f"{commit} writes nothing"
    return model


def _check_idle(model: CoreModel, request: tuple[str, Args], answer: Answer) -> None:
    """An answer to a mutation that was not committed: it had nothing to write at that moment."""
    result, has_written = deepcopy(model).mutate(*request)
    assert not has_written, f"{request} was answered with {answer.result} and is not in the log"
    assert result == answer.result


def _check_shown(model: CoreModel, shown: Shown) -> None:
    for (name, args), outcome in shown.outcomes.items():
        if name == "version":
            continue  # It changes with the code, a little later than the schema.
        wanted = _outcome(model, name, orjson.loads(args), shown.caller)
        assert outcome == wanted, (
            f"{name}({args}) for {shown.caller} at {shown.ts} shows {outcome}, want {wanted}"
        )


def _check_fresh(livefile: Livefile, client: CoreClient, model: CoreModel) -> None:
    """The newest transition shows the newest state, of exactly the queries that are watched."""
    if not client.shown:
        return
    newest = client.shown[-1]
    assert newest.caller == client.caller
    wanted: dict[tuple[str, str], Any] = {}
    for name, args in client.queries.values():
        key = name, orjson.dumps(args).decode()
        if name == "version":
            wanted[key] = livefile.query("core:version")
        else:
            wanted[key] = _outcome(model, name, args, client.caller)
    assert newest.outcomes == wanted, f"{client.name} shows {newest.outcomes}, want {wanted}"


def _outcome(model: CoreModel, name: str, args: Args, caller: str) -> Any:
    try:
        return model.query(name, args, caller)
    except RefusedError as error:
        return Refusal(str(error))
