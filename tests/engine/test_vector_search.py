"""Vector search: what it finds, what it refuses, and what it counts as read."""

import math
from pathlib import Path
from typing import Any

import pytest

from livefile import (
    DefinitionError,
    Id,
    Livefile,
    SearchError,
    Table,
    ValidationError,
    VectorMatch,
    field,
    vector_index,
)
from livefile.functions.database import DatabaseReader
from livefile.functions.vector_query import search_exactly
from livefile.transaction.vector_search import nearest_documents
from tests.app_folder import write_app
from tests.integrity import check_integrity
from tests.stepped_app import SteppedApp, value_of
from tests.workbench import Workbench


class Note(Table, name="notes"):
    title: str
    place: dict[str, str] = {}  # noqa: RUF012  # Pydantic copies it.
    channel: str = "general"
    rank: float | None = None
    embedding: list[float] | None = None
    by_embedding = vector_index(
        "embedding", dimensions=2, filters=["channel", "rank", "place.city"]
    )


def insert(bench: Workbench, **embeddings: list[float] | None) -> dict[str, Id[Note]]:
    """Insert a note for each title, in that many commits, and return their ids."""
    ids = {}
    for title, embedding in embeddings.items():
        with bench.change() as db:
            ids[title] = db.insert(Note(title=title, embedding=embedding))
    return ids


def search(bench: Workbench, vector: Any = (1.0, 0.0), **options: Any) -> list[VectorMatch[Note]]:
    transaction = bench.on_snapshot()
    found = bench.reader(transaction).vector_search(Note.by_embedding, vector, **options)
    bench.give_back(transaction)
    return found


def titles(reader: DatabaseReader, found: list[VectorMatch[Note]]) -> list[str]:
    notes = [reader.get(match.id) for match in found]
    return [note.title for note in notes if note is not None]


# --- What is found -------------------------------------------------------------------------


def test_the_best_come_first_with_the_cosine_as_their_score() -> None:
    with Workbench(Note) as bench:
        ids = insert(bench, back=[-3, 0], up=[0, 0.5], near=[2, 2], same=[7, 0], none=None)

        found = search(bench)

        assert [match.id for match in found] == [ids[t] for t in ("same", "near", "up", "back")]
        wanted = [1.0, math.sqrt(0.5), 0.0, -1.0]
        assert [match.score for match in found] == pytest.approx(wanted, abs=1e-6)
        check_integrity(bench.database)


def test_ten_are_found_unless_it_is_said_how_many() -> None:
    with Workbench(Note) as bench:
        insert(bench, **{f"note {number}": [1.0, number] for number in range(12)})

        assert len(search(bench)) == 10
        assert len(search(bench, limit=3)) == 3
        assert len(search(bench, limit=256)) == 12


def test_a_vector_of_length_zero_is_level_with_a_right_angle() -> None:
    with Workbench(Note) as bench:
        ids = insert(bench, zero=[0, 0], ahead=[1, 0.1], back=[-1, 0])

        assert [match.id for match in search(bench)] == [ids["ahead"], ids["zero"], ids["back"]]
        assert search(bench)[1].score == 0.0
        assert {match.score for match in search(bench, (0, 0))} == {0.0}
        check_integrity(bench.database)


@pytest.mark.parametrize("embedding", [[], [1.0], [1.0, 0.0, 0.0], [math.nan, 1.0], [math.inf, 0]])
def test_a_document_without_a_right_vector_is_not_found(embedding: list[float]) -> None:
    with Workbench(Note) as bench:
        insert(bench, wrong=embedding)
        assert search(bench) == []

        with bench.change() as db:
            (row,) = bench.rows(Note)
            db.table("notes").patch(str(row["_id"]), {"embedding": [1.0, 0.0]})
        assert [match.id for match in search(bench)] == [row["_id"]]

        with bench.change() as db:
            db.table("notes").patch(str(row["_id"]), {"embedding": embedding})
        assert search(bench) == []
        check_integrity(bench.database)


def test_numbers_beyond_those_of_32_bits_have_a_direction_too() -> None:
    with Workbench(Note) as bench:
        insert(bench, large=[1e300, 1e300], small=[1e-300, 0.0])

        assert [match.score for match in search(bench)] == pytest.approx([1, math.sqrt(0.5)])


def test_filters_are_joined_by_or() -> None:
    with Workbench(Note) as bench:
        with bench.change() as db:
            for title, channel, rank in [("a", "x", 1), ("b", "y", 2), ("c", "z", None)]:
                db.insert(Note(title=title, channel=channel, rank=rank, embedding=[1, 0]))
            db.insert(Note(title="d", channel="y", place={"city": "Graz"}, embedding=[1, 1]))

        def found(filter: Any) -> list[str]:
            transaction = bench.on_snapshot()
            reader = bench.reader(transaction)
            matches = reader.vector_search(Note.by_embedding, [1, 0], filter=filter)
            shown = sorted(titles(reader, matches))
            bench.give_back(transaction)
            return shown

        assert found(field("channel") == "y") == ["b", "d"]
        assert found((field("channel") == "x") | (field("rank") == 1)) == ["a"]
        assert found((field("channel") == "y") | (field("rank") == 1)) == ["a", "b", "d"]
        assert found(field("rank") == None) == ["c", "d"]  # noqa: E711  # An expression.
        assert found(field("place.city") == "Graz") == ["d"]
        assert found(field("channel") == "none") == []
        check_integrity(bench.database)


# --- What is refused -----------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"limit": 257}, "VectorLimitTooLargeError", "at most 256 results, requested 257."),
    ({"limit": 0}, "InvalidVectorQuery", "limit=0: want a whole number from 1 to 256"),
    ({"limit": True}, "InvalidVectorQuery", "limit=True: want a whole number"),
    ({"limit": 1.5}, "InvalidVectorQuery", "limit=1.5: want a whole number"),
    (
        {"vector": [1, 2, 3]},
        "VectorDimensionsMismatch",
        "Expected a vector with dimensions 2, received 3.",
    ),
    ({"vector": [1, math.nan]}, "InvalidVectorQuery", "want a vector of finite numbers, got [1, "),
    ({"vector": "12"}, "InvalidVectorQuery", "want a vector of finite numbers, got '12'"),
    ({"vector": None}, "InvalidVectorQuery", "want a vector of finite numbers, got None"),
    ({"vector": [1, "2"]}, "InvalidVectorQuery", "want a vector of finite numbers, got [1, '2']"),
    (
        {"filter": field("title") == "a"},
        "IncorrectVectorFilterField",
        "'title' is no field by which the index can be filtered; it has channel, rank",
    ),
    ({"filter": field("rank") > 1}, "InvalidVectorQuery", "got the filter gt(field('rank'), 1)"),
    (
        {"filter": (field("rank") == 1) & (field("channel") == "x")},
        "InvalidVectorQuery",
        "want equalities of a field and a value, joined with |",
    ),
    ({"filter": field("rank") == field("rank")}, "InvalidVectorQuery", "got the filter eq("),
    ({"filter": lambda note: True}, "InvalidVectorQuery", "got the filter <function"),
]


@pytest.mark.parametrize(("options", "code", "text"), REFUSED)
def test_what_no_search_has_is_refused(options: dict[str, Any], code: str, text: str) -> None:
    with Workbench(Note) as bench, pytest.raises(SearchError) as caught:
        search(bench, **options)

    assert caught.value.code == code
    assert text in str(caught.value)


def test_64_conditions_are_the_most() -> None:
    with Workbench(Note) as bench:
        joined = field("rank") == 0
        for number in range(1, 64):
            joined = joined | (field("rank") == number)
        insert(bench, note=[1, 0])
        assert search(bench, filter=joined) == []

        with pytest.raises(SearchError) as caught:
            search(bench, filter=joined | (field("rank") == 64))

        assert caught.value.code == "TooManyElementsInVectorQueryError"


def test_a_filter_by_a_value_that_the_field_cannot_have_is_refused() -> None:
    with Workbench(Note) as bench, pytest.raises(ValidationError):
        search(bench, filter=field("channel") == 7)


def test_only_a_vector_index_is_searched() -> None:
    with Workbench(Note) as bench:
        transaction = bench.head()
        with pytest.raises(DefinitionError, match="takes a vector index of a table"):
            search_exactly(transaction, Note.by_id, [1, 0], 10, None)  # type: ignore[arg-type]
        request = Note.by_embedding.search([1, 0], 10, None)
        with pytest.raises(DefinitionError, match=r"Index notes\.by_nothing not found"):
            nearest_documents(transaction, "notes", "by_nothing", request, is_exact=True)


@pytest.mark.parametrize("dimensions", [1, 4097, 0, -1, 2.0, True])
def test_dimensions_have_bounds(dimensions: Any) -> None:
    with pytest.raises(DefinitionError, match="must be between 2 and 4096"):
        vector_index("embedding", dimensions=dimensions)


def test_a_declaration_is_checked() -> None:
    with pytest.raises(DefinitionError, match="up to 16 filter fields, not 17"):
        vector_index("embedding", dimensions=2, filters=[f"f{number}" for number in range(17)])
    with pytest.raises(DefinitionError, match="want a list of fields"):
        vector_index("embedding", dimensions=2, filters="channel")
    with pytest.raises(DefinitionError, match="names a field twice"):
        vector_index("embedding", dimensions=2, filters=["channel", "channel"])


def test_a_filter_is_by_a_field_of_the_table() -> None:
    class Wrong(Table, name="wrong"):
        embedding: list[float]
        by_embedding = vector_index("embedding", dimensions=2, filters=["other"])

    with pytest.raises(DefinitionError, match="there is no field 'other'"):
        Wrong.__livefile_table__.annotations  # noqa: B018  # It is the reading that raises.


# --- Transactions --------------------------------------------------------------------------


def test_a_search_sees_the_writes_of_its_transaction() -> None:
    with Workbench(Note) as bench:
        ids = insert(bench, kept=[1, 1], moved=[-1, 0], gone=[1, 0])
        transaction = bench.head()
        writer = bench.writer(transaction)
        writer.delete(ids["gone"])
        writer.patch(ids["moved"], embedding=[1, 0.1])
        new = writer.insert(Note(title="new", embedding=[1, 0]))

        pending = writer.vector_search(Note.by_embedding, [1, 0])
        bench.commit(transaction)
        bench.settle()

        assert [match.id for match in pending] == [new, ids["moved"], ids["kept"]]
        assert search(bench) == pending  # To the bit.


def test_a_document_that_comes_meanwhile_conflicts_only_under_the_same_filter() -> None:
    with Workbench(Note) as bench:
        insert(bench, first=[1, 0])
        for channel, is_conflict in (("general", True), ("other", False)):
            transaction = bench.on_snapshot()
            reader = bench.reader(transaction)
            filter = field("channel") == "general"
            reader.vector_search(Note.by_embedding, [1, 0], filter=filter)
            with bench.change() as db:
                db.insert(Note(title="new", channel=channel, embedding=[0, 1]))

            log = bench.database.write_log
            assert log.has_conflict(transaction.reads, transaction.snapshot.ts) is is_conflict
            bench.give_back(transaction)


def test_a_search_in_the_past_sees_what_there_was() -> None:
    with Workbench(Note) as bench:
        ids = insert(bench, first=[1, 0], second=[0, 1])
        before_ts = bench.published_ts
        with bench.change() as db:
            db.delete(ids["first"])
            db.patch(ids["second"], embedding=[1, 0])

        transaction = bench.past(before_ts)
        found = bench.reader(transaction).vector_search(Note.by_embedding, [1, 0])

        assert [(match.id, match.score) for match in found] == [
            (ids["first"], 1.0),
            (ids["second"], pytest.approx(0, abs=1e-6)),
        ]
        bench.give_back(transaction)


# --- Functions -----------------------------------------------------------------------------

NOTES = """
    from livefile import *

    class Note(Table, name="notes"):
        title: str
        channel: str
        embedding: list[float]
        by_embedding = vector_index("embedding", dimensions=2, filters=["channel"])

    @mutation
    def add(ctx: MutationCtx, title: str, channel: str, embedding: list[float]) -> Id[Note]:
        return ctx.db.insert(Note(title=title, channel=channel, embedding=embedding))

    @query
    def near(ctx: QueryCtx, channel: str) -> list[str]:
        found = ctx.db.vector_search(
            Note.by_embedding, [1, 0], limit=2, filter=field("channel") == channel
        )
        return [ctx.db.get(match.id).title for match in found]

    @query
    def title(ctx: QueryCtx, id: Id[Note]) -> str:
        return ctx.db.get(id).title

    @action
    async def ask(ctx: ActionCtx, vector: list[float]) -> list[str]:
        await ctx.run_mutation(add, title="own", channel="x", embedding=[1, 0])
        found = await ctx.vector_search(Note.by_embedding, vector, limit=2)
        return [f"{await ctx.run_query(title, id=match.id)} {match.score:.2f}" for match in found]
"""


def test_a_live_search_runs_again_for_its_own_filter_only(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"notes": NOTES}) as app:
        client = app.client()
        client.watch(0, "notes:near", channel="x")
        app.step()
        app.mutate("notes:add", title="a", channel="x", embedding=[0, 1])
        assert client.value(0) == ["a"]
        app.runs.clear()

        app.mutate("notes:add", title="b", channel="y", embedding=[1, 0])
        assert app.count_runs("notes:near") == 0
        app.mutate("notes:add", title="c", channel="x", embedding=[1, 0])

        assert app.count_runs("notes:near") == 1
        assert client.value(0) == ["c", "a"]
        assert value_of(app.query("notes:near", channel="y")) == ["b"]


def test_an_action_finds_what_it_wrote(tmp_path: Path) -> None:
    with Livefile.open(":memory:", write_app(tmp_path, {"notes": NOTES})) as livefile:
        livefile.mutation("notes:add", title="old", channel="x", embedding=[1, 1])

        assert livefile.action("notes:ask", vector=[1, 0]) == ["own 1.00", "old 0.71"]
        with pytest.raises(SearchError) as caught:
            livefile.action("notes:ask", vector=[1])
        assert caught.value.code == "VectorDimensionsMismatch"


def test_a_file_that_is_opened_again_has_its_vectors(tmp_path: Path) -> None:
    folder, file = write_app(tmp_path, {"notes": NOTES}), tmp_path / "notes.db"
    with Livefile.open(file, folder) as livefile:
        livefile.mutation("notes:add", title="a", channel="x", embedding=[1, 1])

    with Livefile.open(file, folder) as livefile:
        assert livefile.query("notes:near", channel="x") == ["a"]
