"""What one client asks of its query set, and the updates that answer it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import ADMIN, FunctionKind, LiveQuerySet, QuerySetChange, Update, WatchQuery
from tests.stepped_app import SteppedApp, success_of

NOTES = """
    from livefile import *

    class Note(Table, name="notes"):
        room: str
        text: str
        by_room = index("room")

    @mutation
    def add(ctx: MutationCtx, room: str, text: str) -> Id[Note]:
        return ctx.db.insert(Note(room=room, text=text))

    @mutation
    def add_all(ctx: MutationCtx, rooms: list[str]) -> None:
        for room in rooms:
            ctx.db.insert(Note(room=room, text="all"))

    @query
    def in_room(ctx: QueryCtx, room: str) -> list[str]:
        return [note.text for note in ctx.db.query(Note.by_room.eq(room=room))]

    @query
    def rooms(ctx: QueryCtx) -> list[str]:
        return sorted({note.room for note in ctx.db.query(Note)})
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"notes": NOTES}) as stepped:
        yield stepped


def test_a_new_query_is_answered_by_one_update_with_the_versions_of_the_change(
    app: SteppedApp,
) -> None:
    client = app.client()
    client.watch(7, "notes:in_room", room="a")
    app.step()

    (update,) = client.updates
    assert (update.query_set_version, update.identity_version) == (1, 0)
    assert list(update.outcomes) == [7]
    assert update.ts == app.livefile.latest_ts
    assert client.value(7) == []


def test_a_change_that_changes_no_outcome_is_answered_too(app: SteppedApp) -> None:
    client = app.client()
    client.unwatch()
    app.step()
    client.become(ADMIN)
    app.step()

    assert [(u.query_set_version, u.identity_version) for u in client.updates] == [(1, 0), (1, 1)]
    assert [u.outcomes for u in client.updates] == [{}, {}]


def test_changes_that_come_together_are_answered_by_the_versions_of_the_last(
    app: SteppedApp,
) -> None:
    client = app.client()
    client.watch(1, "notes:in_room", room="a")
    client.watch(2, "notes:rooms")
    client.unwatch(1)
    app.step()

    (update,) = client.updates
    assert update.query_set_version == 3
    assert client.shown.keys() == {2}


def test_a_removed_query_is_named_as_removed_and_never_heard_of_again(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:in_room", room="a")
    app.step()
    client.unwatch(1)
    app.step()
    app.mutate("notes:add", room="a", text="x")

    assert len(client.updates) == 2
    assert client.updates[1].outcomes == {1: None}


def test_a_query_id_can_be_used_again_after_its_removal(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:in_room", room="a")
    app.step()
    client.unwatch(1)
    client.watch(1, "notes:in_room", room="a")
    app.step()

    assert client.updates[-1].outcomes.keys() == {1}
    assert client.value(1) == []


def test_a_required_timestamp_gives_an_update_even_if_nothing_changed(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:in_room", room="a")
    app.step()
    ts = success_of(app.mutate("notes:add", room="b", text="x")).ts
    client.query_set.require(ts)
    app.step()

    assert client.updates[-1] == Update(ts=ts, query_set_version=1, identity_version=0, outcomes={})


def test_a_required_timestamp_to_come_is_waited_for(app: SteppedApp) -> None:
    client = app.client()
    ts = app.livefile.latest_ts + 10_000_000
    client.query_set.require(ts)
    app.mutate("notes:add", room="a", text="too early")
    assert client.updates == []
    app.clock.advance_ms(20)
    app.mutate("notes:add", room="a", text="in time")

    (update,) = client.updates
    assert update.ts >= ts


def test_each_required_timestamp_gets_its_update(app: SteppedApp) -> None:
    client = app.client()
    ts = app.livefile.latest_ts
    client.query_set.require(ts + 10_000_000)
    client.query_set.require(ts)
    app.step()
    assert [update.ts for update in client.updates] == [ts]
    app.clock.advance_ms(20)
    app.mutate("notes:add", room="a", text="x")
    app.mutate("notes:add", room="a", text="y")

    assert len(client.updates) == 2
    assert client.updates[1].ts >= ts + 10_000_000


def test_a_mutation_with_a_query_set_is_followed_by_an_update_that_shows_it(
    app: SteppedApp,
) -> None:
    client = app.client()
    client.watch(1, "notes:in_room", room="b")
    app.step()
    answers = app.submit(
        FunctionKind.MUTATION,
        "notes:add",
        {"room": "a", "text": "x"},
        query_set=client.query_set,
    )
    app.step()

    (answer,) = answers
    assert not isinstance(answer, Exception)
    assert client.updates[-1].ts == answer.ts
    assert client.updates[-1].outcomes == {}


def test_a_failed_mutation_with_a_query_set_is_followed_by_an_update(app: SteppedApp) -> None:
    client = app.client()
    app.submit(FunctionKind.MUTATION, "notes:unknown", {}, query_set=client.query_set)
    app.step()

    assert len(client.updates) == 1


def test_a_closed_query_set_hears_nothing_more(app: SteppedApp) -> None:
    clients = [app.client(), app.client()]
    for client in clients:
        client.watch(1, "notes:rooms")
    app.step()
    clients[0].query_set.close()
    app.mutate("notes:add", room="a", text="x")

    assert [len(client.updates) for client in clients] == [1, 2]


def test_a_query_set_that_is_changed_after_its_end_watches_nothing(app: SteppedApp) -> None:
    client = app.client()
    client.query_set.close()
    client.watch(1, "notes:rooms")
    app.step()
    app.runs.clear()
    app.mutate("notes:add", room="a", text="x")

    assert client.updates == []
    assert app.count_runs("notes:rooms") == 0


def test_a_change_of_an_unknown_query_harms_nobody_else(app: SteppedApp) -> None:
    client, other = app.client(), app.client()
    other.watch(1, "notes:rooms")
    app.step()
    change_by_hand(client.query_set, removed=(99,))
    app.step()
    app.mutate("notes:add", room="a", text="x")

    assert other.value(1) == ["a"]


def test_a_query_id_that_is_added_twice_stands_for_the_newer_query(app: SteppedApp) -> None:
    client = app.client()
    client.watch(1, "notes:in_room", room="a")
    app.step()
    client.watch(1, "notes:in_room", room="b")
    app.step()
    app.runs.clear()
    app.mutate("notes:add_all", rooms=["a", "b"])

    assert client.value(1) == ["all"]
    assert app.count_runs("notes:in_room") == 1


def change_by_hand(
    query_set: LiveQuerySet,
    added: tuple[WatchQuery, ...] = (),
    removed: tuple[int, ...] = (),
) -> None:
    query_set.change(
        QuerySetChange(
            query_set_version=1,
            identity_version=0,
            identity=ADMIN,
            added=added,
            removed=removed,
        )
    )
