"""The tables of a text index: where documents are put, and what a check finds."""

import math
from collections.abc import Iterator

import apsw
import pytest

from livefile import Table, search_index
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile.model.table_definition import Document
from livefile.sqlite.check import problems
from livefile.sqlite.text_index import StoredTextIndex
from livefile.sqlite.text_lists import TextLists
from tests.integrity import check_integrity
from tests.workbench import Workbench

SPEC = IndexSpec(("body",), kind=IndexKind.TEXT)


class Note(Table, name="notes"):
    body: str
    room: str = "hall"
    search_body = search_index("body", filters=["room"])


class PlainNote(Table, name="notes"):
    body: str
    room: str = "hall"


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with Workbench(Note) as bench:
        with bench.change() as db:
            for body in ("tea", "tea with milk", "milk"):
                db.insert(Note(body=body))
        yield bench


def index_id(bench: Workbench) -> int:
    return bench.database.catalog.tables["notes"].indexes["search_body"].id


def found_problems(bench: Workbench) -> list[str]:
    with bench.database.read_whole() as read:
        return list(problems(read.connection, lambda done, count: None))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("DELETE FROM text_index_{id} WHERE rowid = {first}", "its words are not those"),
        ("INSERT INTO text_index_{id} (rowid, words) VALUES (7, 'tea')", "its words are not"),
        ("DELETE FROM text_index_{id}_documents WHERE position = {first}", "it lacks document"),
        ("UPDATE text_index_{id}_documents SET creation_time = 1.0", "is not at its place"),
        ("UPDATE text_index_{id}_totals SET words = words + 1", "its totals are not"),
        (
            "INSERT INTO text_index_{id}_documents VALUES (7, x'00', 1.0)",
            "it has documents that the table does not have",
        ),
    ],
)
def test_a_check_names_what_is_wrong(bench: Workbench, damage: str, found: str) -> None:
    assert found_problems(bench) == []
    number = index_id(bench)
    writer = bench.database._connections.writer
    first = writer.execute(f"SELECT min(position) FROM text_index_{number}_documents").get
    writer.execute(damage.format(id=number, first=first))

    assert any(found in problem for problem in found_problems(bench)), found_problems(bench)


def test_a_dropped_index_leaves_nothing(bench: Workbench) -> None:
    bench.declare(PlainNote)
    names = "SELECT name FROM sqlite_schema WHERE name LIKE 'text_index%'"

    assert bench.database._connections.writer.execute(names).fetchall() == []
    assert found_problems(bench) == []


def test_a_dropped_index_goes_in_parts() -> None:
    connection, index = apsw.Connection(":memory:"), StoredTextIndex()
    index.create(connection, 1, SPEC)
    for number in range(25):
        document: Document = {"body": "tea", "_creationTime": float(number)}
        index.put(connection, 1, SPEC, bytes([number]), document)

    assert [index.remove_some(connection, 1, 10) for _ in range(3)] == [True, True, False]
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == []


@pytest.mark.parametrize("time", [1.7e12, 0.0, -5.0, 1e300, math.inf, -math.inf, math.nan])
def test_any_number_of_documents_may_be_of_one_moment(time: float) -> None:
    connection, index = apsw.Connection(":memory:"), StoredTextIndex()
    index.create(connection, 1, SPEC)
    documents = {number.to_bytes(16, "big"): f"tea {number}" for number in range(400)}
    for id, body in documents.items():
        index.put(connection, 1, SPEC, id, {"body": body, "_creationTime": time or 0.0})
    for id in list(documents)[::2]:
        index.remove(connection, 1, SPEC, id)
    lists = TextLists(connection, 1, (), 0)

    positions = lists.of("tea")
    assert len(positions) == 200
    assert {id for _, id, _ in lists.documents(positions)} == set(list(documents)[1::2])
    assert lists.totals() == (200, 400)
    assert all(position >= 0 for position in positions)


def test_what_is_rolled_back_was_never_indexed(bench: Workbench) -> None:
    transaction = bench.head()
    bench.writer(transaction).insert(Note(body="tea again"))
    bench.commit(transaction)
    bench.database.committer.roll_back()
    check_integrity(bench.database)

    found = bench.reader(bench.on_snapshot()).query(Note.search_body.search("again"))
    assert found.collect() == []


def test_a_snapshot_finds_what_was_there_while_the_index_is_merged(bench: Workbench) -> None:
    transaction = bench.on_snapshot()
    for number in range(200):
        with bench.change() as db:
            db.insert(Note(body=f"tea {number}"))
    for note in bench.reader(bench.on_snapshot()).query(Note).take(150):
        with bench.change() as db:
            db.delete(note.id)

    found = bench.reader(transaction).query(Note.search_body.search("tea")).collect()
    assert [note.body for note in found] == ["tea", "tea with milk"]
    check_integrity(bench.database)
