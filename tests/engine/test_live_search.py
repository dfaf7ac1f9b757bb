"""Live searches: they run again when a document changes that they look for, and for no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile.vocabulary.errors import ConflictError
from livefile.vocabulary.limits import SEARCH_WORDS_TRACKED_MAX
from tests.engine.test_text_search import Message, search
from tests.stepped_app import SteppedApp, SteppedClient, value_of
from tests.workbench import Workbench

NOTES = """
    from livefile import Id, MutationCtx, QueryCtx, Table, mutation, query, search_index

    class Note(Table, name="notes"):
        body: str
        room: str = "hall"
        likes: int = 0
        search_body = search_index("body", filters=["room"])

    @query
    def find(ctx: QueryCtx, text: str, room: str | None = None) -> list[str]:
        wanted = Note.search_body.search(text)
        if room is not None:
            wanted = wanted.eq(room=room)
        return [f"{note.body} {note.likes}" for note in ctx.db.query(wanted).take(3)]

    @mutation
    def add(ctx: MutationCtx, body: str, room: str) -> str:
        return ctx.db.insert(Note(body=body, room=room))

    @mutation
    def change(
        ctx: MutationCtx, id: Id[Note], body: str | None = None, likes: int | None = None
    ) -> None:
        if body is not None:
            ctx.db.patch(id, body=body)
        if likes is not None:
            ctx.db.patch(id, likes=likes)

    @mutation
    def remove(ctx: MutationCtx, id: Id[Note]) -> None:
        ctx.db.delete(id)
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SteppedApp]:
    with SteppedApp(tmp_path, {"notes": NOTES}) as stepped:
        yield stepped


@pytest.fixture
def client(app: SteppedApp) -> SteppedClient:
    """Return a client that watches two searches, one of them in one room."""
    client = app.client()
    client.watch(1, "notes:find", text="green te")
    client.watch(2, "notes:find", text="green te", room="attic")
    app.step()
    return client


def runs(app: SteppedApp, body: str, room: str = "hall") -> int:
    """Add a document and return how many of the searches ran because of it."""
    app.runs.clear()
    app.mutate("notes:add", body=body, room=room)
    return app.count_runs("notes:find")


def test_a_search_runs_again_for_documents_that_it_looks_for(
    app: SteppedApp, client: SteppedClient
) -> None:
    assert runs(app, "a green bottle") == 1
    assert runs(app, "Tea!", room="attic") == 2

    assert client.value(1) == ["a green bottle 0", "Tea! 0"]
    assert client.value(2) == ["Tea! 0"]


def test_a_search_does_not_run_for_others(app: SteppedApp, client: SteppedClient) -> None:
    assert runs(app, "greenish") == 0
    assert runs(app, "t", room="attic") == 0
    assert runs(app, "black coffee", room="attic") == 0
    assert runs(app, "") == 0


def test_a_search_runs_again_when_what_it_found_changes_or_goes(
    app: SteppedApp, client: SteppedClient
) -> None:
    tea = value_of(app.mutate("notes:add", body="tea", room="attic"))
    milk = value_of(app.mutate("notes:add", body="milk", room="attic"))
    app.runs.clear()
    app.mutate("notes:change", id=tea, likes=7)
    assert app.count_runs("notes:find") == 2
    assert client.value(2) == ["tea 7"]

    app.mutate("notes:change", id=milk, likes=7)
    assert app.count_runs("notes:find") == 2
    app.mutate("notes:change", id=milk, body="milk tea")
    assert app.count_runs("notes:find") == 4
    app.mutate("notes:change", id=tea, body="nothing")
    assert client.value(1) == ["milk tea 7"]
    app.mutate("notes:remove", id=milk)
    assert app.count_runs("notes:find") == 8
    assert client.value(1) == client.value(2) == []


def test_a_document_of_very_many_words_is_heard_of(app: SteppedApp, client: SteppedClient) -> None:
    words = " ".join(f"word{number}" for number in range(SEARCH_WORDS_TRACKED_MAX))

    assert runs(app, f"{words} tea") == 2
    assert client.value(1)[0].startswith("word0 word1")


def test_a_write_into_what_was_searched_is_a_conflict() -> None:
    with Workbench(Message) as bench:
        searching, other = bench.on_snapshot(), bench.on_snapshot()
        for transaction in (searching, other):
            bench.reader(transaction).query(search("green te").eq(channel="x")).collect()
            bench.writer(transaction).insert(Message(body="found nothing"))
        with bench.change() as db:
            db.insert(Message(body="tea", channel="y"))
        bench.commit(other)
        with bench.change() as db:
            db.insert(Message(body="tea", channel="x"))

        with pytest.raises(ConflictError):
            bench.commit(searching)
