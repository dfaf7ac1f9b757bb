from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import FunctionKind
from livefile.vocabulary import limits
from tests.stepped_app import SteppedApp, value_of

NOTES = """
    import time
    from livefile import *

    class Note(Table, name="notes"):
        room: str
        text: str
        by_room = index("room")

    @mutation
    def add(ctx: MutationCtx, room: str, text: str) -> Id[Note]:
        return ctx.db.insert(Note(room=room, text=text))

    @mutation
    def remove(ctx: MutationCtx, id: Id[Note]) -> None:
        ctx.db.delete(id)

    @mutation
    def add_all(ctx: MutationCtx, rooms: list[str]) -> None:
        for room in rooms:
            ctx.db.insert(Note(room=room, text="all"))

    @mutation
    def nothing(ctx: MutationCtx) -> str:
        return "done"

    @query
    def in_room(ctx: QueryCtx, room: str) -> list[str]:
        return [note.text for note in ctx.db.query(Note.by_room.eq(room=room))]

    @query
    def rooms(ctx: QueryCtx) -> list[str]:
        return sorted({note.room for note in ctx.db.query(Note)})

    @query
    def length(ctx: QueryCtx, room: str) -> int:
        return len(ctx.db.query(Note.by_room.eq(room=room)).collect())

    @query
    def strict_length(ctx: QueryCtx, room: str) -> int:
        count = len(ctx.db.query(Note.by_room.eq(room=room)).collect())
        if count == 2:
            raise ConvexError({"count": count})
        return count

    @query
    def now(ctx: QueryCtx) -> float:
        return time.time()

    @internal.query
    def secret(ctx: QueryCtx) -> str:
        return "secret"
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"notes": NOTES}) as stepped:
        yield stepped


def test_a_commit_runs_only_the_queries_that_read_what_it_wrote(app: SteppedApp) -> None:
    client = app.client()
    for number in range(20):
        client.watch(number, "notes:in_room", room=f"room {number}")
    app.step()
    app.runs.clear()
    app.mutate("notes:add", room="room 7", text="x")

    assert app.count_runs("notes:in_room") == 1
    assert client.updates[-1].outcomes.keys() == {7}


def test_a_run_with_the_same_outcome_is_not_delivered(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:rooms")
    app.mutate("notes:add", room="a", text="x")
    app.runs.clear()
    app.mutate("notes:add", room="a", text="y")

    assert app.count_runs("notes:rooms") == 1
    assert len(client.updates) == 1


def test_a_mutation_that_writes_nothing_runs_no_query(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:rooms")
    app.step()
    app.runs.clear()
    app.mutate("notes:nothing")

    assert app.count_runs("notes:rooms") == 0
    assert len(client.updates) == 1


def test_100_watchers_of_one_query_share_one_run_and_one_outcome(app: SteppedApp) -> None:
    clients = [app.client() for _ in range(100)]
    for number, client in enumerate(clients):
        client.watch(number, "notes:in_room", room="a")
    app.step()
    assert app.count_runs("notes:in_room") == 1
    app.mutate("notes:add", room="a", text="x")

    assert app.count_runs("notes:in_room") == 2
    shown = [client.shown[number] for number, client in enumerate(clients)]
    assert len({id(outcome) for outcome in shown}) == 1
    assert value_of(shown[0]) == ["x"]


def test_one_update_moves_all_queries_of_a_client(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:in_room", room="a")
    client.watch(2, "notes:in_room", room="b")
    client.watch(3, "notes:in_room", room="c")
    app.step()
    app.mutate("notes:add_all", rooms=["a", "b"])

    assert client.updates[-1].outcomes.keys() == {1, 2}
    assert client.updates[-1].ts == app.livefile.latest_ts


def test_timestamps_of_updates_never_go_back(app: SteppedApp) -> None:
    clients = [app.client() for _ in range(3)]
    for number in range(12):
        app.clock.advance_ms(-50 if number % 3 else 10)
        clients[number % 3].watch(number, "notes:rooms")
        app.mutate("notes:add", room=str(number), text="x")

    for client in clients:
        timestamps = [update.ts for update in client.updates]
        assert timestamps == sorted(timestamps)
        assert client.value(max(client.watched)) == sorted(str(number) for number in range(12))


def test_a_failing_query_stays_live(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:strict_length", room="a")
    app.mutate("notes:add", room="a", text="1")
    second = app.mutate("notes:add", room="a", text="2")
    failure = client.shown[1]
    app.mutate("notes:remove", id=value_of(second))

    assert getattr(failure, "data_json", None) == b'{"count":2.0}'
    assert client.value(1) == 1


def test_a_failure_that_stays_the_same_is_not_delivered_again(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:unknown")
    client.watch(2, "notes:rooms")
    app.step()
    app.mutate("notes:add", room="a", text="x")

    assert [list(update.outcomes) for update in client.updates] == [[1, 2], [2]]


def test_a_query_that_nobody_watches_any_more_is_not_run_by_commits(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:rooms")
    app.step()
    client.query_set.close()
    app.step()
    app.runs.clear()
    app.mutate("notes:add", room="a", text="x")

    assert app.count_runs("notes:rooms") == 0


def test_a_result_that_depends_on_the_time_is_run_again_for_a_late_caller(
    app: SteppedApp,
) -> None:
    first = value_of(app.query("notes:now"))
    app.clock.advance_ms(limits.TIME_RESULT_AGE_MS_MAX - 1)
    same = value_of(app.query("notes:now"))
    app.clock.advance_ms(2)
    later = value_of(app.query("notes:now"))

    assert same == first
    assert later == pytest.approx(first + (limits.TIME_RESULT_AGE_MS_MAX + 1) / 1000)


def test_a_late_caller_renews_the_result_for_those_who_watch(app: SteppedApp) -> None:
    watching, late = app.client(), app.client()
    watching.watch(1, "notes:now")
    app.step()
    app.clock.advance_ms(limits.TIME_RESULT_AGE_MS_MAX + 1)
    late.watch(1, "notes:now")
    app.step()

    assert app.count_runs("notes:now") == 2
    assert watching.value(1) == late.value(1)


def test_a_time_in_the_future_is_no_reason_to_keep_a_result(app: SteppedApp) -> None:
    app.query("notes:now")
    app.clock.advance_ms(-60_000)
    app.query("notes:now")

    assert app.count_runs("notes:now") == 2


def test_live_queries_survive_a_log_that_no_longer_reaches_back(
    app: SteppedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.transaction.write_log.WRITE_LOG_COMMITS_MAX", 2)
    client = app.client()
    client.watch(1, "notes:rooms")
    client.watch(2, "notes:in_room", room="a")
    app.step()
    answers = [
        app.submit(FunctionKind.MUTATION, "notes:add", {"room": str(n), "text": ""})
        for n in range(9)
    ]
    app.step()

    assert all(len(answer) == 1 for answer in answers)
    assert client.value(1) == [str(n) for n in range(9)]
