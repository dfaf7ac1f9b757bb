"""The integrity check finds each kind of damage to a vector index."""

from pathlib import Path

import apsw
import pytest

from livefile import Table, vector_index
from livefile.sqlite import catalog
from livefile.sqlite.vector_check import vector_problems
from tests.workbench import Workbench


class Note(Table, name="notes"):
    room: str
    embedding: list[float]
    by_embedding = vector_index("embedding", dimensions=2, filters=["room"])


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    """A file with three notes that nobody has open."""
    with Workbench(Note, path=tmp_path / "notes.db") as bench, bench.change() as db:
        for number, room in enumerate(["hall", "hall", "attic"]):
            db.insert(Note(room=room, embedding=[1.0, number]))
    return apsw.Connection(str(tmp_path / "notes.db"))


def found_in(connection: apsw.Connection) -> str:
    return "\n".join(vector_problems(connection, catalog.load(connection)))


def test_a_whole_index_has_no_problem(connection: apsw.Connection) -> None:
    assert found_in(connection) == ""


LACKS = 'index "by_embedding" of table "notes": it lacks document'
OTHER = 'index "by_embedding" of table "notes": it has another vector of document'
MORE = 'index "by_embedding" of table "notes": it has documents that the table does not have'


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("DELETE FROM vector_entries WHERE key = x'' AND number % 3 = 0", LACKS),
        ("DELETE FROM vector_entries WHERE key <> x'' AND number % 3 = 0", LACKS),
        ("UPDATE vector_entries SET signs = x'02' WHERE key = x''", OTHER),
        ("UPDATE vector_entries SET filter_keys = x'02' WHERE key = x''", OTHER),
        ("UPDATE vectors SET direction = zeroblob(32)", OTHER),
        ("DELETE FROM vectors WHERE number % 3 = 0", OTHER),
        (
            "DELETE FROM documents WHERE internal_id = (SELECT min(internal_id) FROM documents)",
            MORE,
        ),
        ("INSERT INTO vectors VALUES (1, NULL)", "vectors: there are 4, want 3"),
        (
            "UPDATE vector_entries SET number = number + 1 WHERE key <> x''",
            "it has two vectors of document",
        ),
        (
            "INSERT INTO vector_entries SELECT 999, key, internal_id, number, signs, filter_keys "
            "FROM vector_entries WHERE key = x''",
            "vector entries: 3 are of indexes that do not exist",
        ),
    ],
)
def test_damage_is_named(connection: apsw.Connection, damage: str, named: str) -> None:
    connection.execute(damage)

    assert named in found_in(connection)
