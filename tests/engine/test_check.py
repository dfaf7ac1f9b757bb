"""The integrity check finds nothing in a whole file, and each kind of damage by its name."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import msgpack
import pytest

from livefile import Livefile
from livefile.sqlite.check import problems
from livefile.vocabulary.limits import CHECK_PROBLEMS_MAX
from tests.upkeep_app import load_upkeep_app

Damage = Callable[[apsw.Connection], object]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with Livefile.open(tmp_path / "live.db", load_upkeep_app(tmp_path)) as livefile:
        for number in range(3):
            livefile.mutation("notes:send", body=f"message {number}")
        livefile.mutation("notes:add_user", name="Ada")
        assert livefile.upkeep.check() == []
    return tmp_path / "live.db"


@pytest.fixture
def connection(file: Path) -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(str(file))) as connection:
        yield connection


def found_in(connection: apsw.Connection) -> list[str]:
    return list(problems(connection, lambda done, count: None))


def drop_an_entry(connection: apsw.Connection) -> None:
    index = connection.execute("SELECT id FROM indexes WHERE name = 'by_body'").get
    connection.execute(
        "DELETE FROM index_entries WHERE key = "
        "(SELECT min(key) FROM index_entries WHERE index_id = ?) AND index_id = ?",
        (index, index),
    )


def add_an_entry(connection: apsw.Connection) -> None:
    connection.execute(
        "INSERT INTO index_entries "
        "SELECT index_id, CAST(x'0f' || substr(key, 2) AS BLOB) FROM index_entries "
        "WHERE index_id = (SELECT id FROM indexes WHERE name = 'by_body') LIMIT 1"
    )


def add_an_entry_of_nothing(connection: apsw.Connection) -> None:
    connection.execute(
        "INSERT INTO index_entries SELECT id, zeroblob(30) FROM indexes WHERE name = 'by_body'"
    )


def add_an_entry_of_no_index(connection: apsw.Connection) -> None:
    connection.execute("INSERT INTO index_entries VALUES (999, zeroblob(30))")


def lose_a_document(connection: apsw.Connection) -> None:
    connection.execute(
        "DELETE FROM documents WHERE internal_id = (SELECT min(internal_id) FROM documents)"
    )


def change_a_document(connection: apsw.Connection) -> None:
    connection.execute(
        "UPDATE documents SET document = CAST(replace(document, 'message 1', 'massage 1') AS BLOB)"
    )


def spoil_a_document(connection: apsw.Connection) -> None:
    connection.execute("UPDATE documents SET document = x'c1'")


def change_an_id(connection: apsw.Connection) -> None:
    connection.execute(
        "UPDATE documents SET internal_id = zeroblob(16) WHERE internal_id = "
        "(SELECT min(internal_id) FROM documents)"
    )


def lose_a_table(connection: apsw.Connection) -> None:
    number = connection.execute("SELECT number FROM tables WHERE name = 'users'").get
    connection.execute("DELETE FROM indexes WHERE table_number = ?", (number,))
    connection.execute("DELETE FROM tables WHERE number = ?", (number,))


def shift_the_log(connection: apsw.Connection) -> None:
    connection.execute(
        "UPDATE commits SET log_offset = log_offset + 1 WHERE ts = (SELECT max(ts) FROM commits)"
    )


def change_the_log(connection: apsw.Connection) -> None:
    ts, writes = connection.execute("SELECT ts, writes FROM commits ORDER BY ts DESC LIMIT 1").get
    changed = [(number, id, before, b"\x80") for number, id, before, _ in msgpack.unpackb(writes)]
    packed = msgpack.packb(changed)
    connection.execute("UPDATE commits SET writes = ? WHERE ts = ?", (packed, ts))


DAMAGES: list[tuple[Damage, str]] = [
    (drop_an_entry, 'it is missing in index "by_body"'),
    (add_an_entry, "is of another state of its document"),
    (add_an_entry_of_nothing, "has no document"),
    (add_an_entry_of_no_index, "there is no index 999"),
    (lose_a_document, "has no document"),
    (change_a_document, 'it is missing in index "by_body"'),
    (spoil_a_document, "The stored bytes are no value"),
    (change_an_id, "it says that it is"),
    (lose_a_table, "there is no such table"),
    (shift_the_log, "it begins at offset"),
    (change_the_log, "is not the newest image in the log"),
]


@pytest.mark.parametrize(("damage", "wanted"), DAMAGES, ids=lambda it: getattr(it, "__name__", ""))
def test_damage_is_found_and_named(
    connection: apsw.Connection, damage: Damage, wanted: str
) -> None:
    assert found_in(connection) == []
    damage(connection)

    found = found_in(connection)

    assert any(wanted in problem for problem in found), found


def test_a_damaged_page_is_found_by_sqlite(file: Path) -> None:
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("PRAGMA writable_schema = on")
        connection.execute("CREATE TABLE twice (x); CREATE TABLE other (x)")
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'twice'").get
        connection.execute("UPDATE sqlite_schema SET rootpage = ? WHERE name = 'other'", (root,))
    with closing(apsw.Connection(str(file))) as connection:
        assert any(problem.startswith("SQLite: ") for problem in found_in(connection))


def test_a_check_names_only_some_of_many_problems(file: Path) -> None:
    with closing(apsw.Connection(str(file))) as connection:
        for number in range(CHECK_PROBLEMS_MAX + 5):
            connection.execute(
                "INSERT INTO index_entries VALUES (999, zeroblob(?))", (20 + number,)
            )

    with Livefile.open(file) as livefile:
        found = livefile.upkeep.check()

    assert len(found) == CHECK_PROBLEMS_MAX + 1
    assert found[-1] == "... and maybe more"


def test_a_check_hears_how_far_it_is_and_can_be_given_up(file: Path) -> None:
    heard: list[tuple[int, int]] = []
    with Livefile.open(file) as livefile:
        livefile.upkeep.check(lambda done, count: heard.append((done, count)))

        def give_up(done: int, count: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            livefile.upkeep.check(give_up)

    assert heard == [(0, 4), (4, 4)]
