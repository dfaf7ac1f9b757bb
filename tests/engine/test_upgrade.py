"""Files of older formats are brought to the newest one when they are opened."""

from pathlib import Path

import apsw
import msgpack
import pytest

from livefile import App, Livefile
from livefile.model.document_id import encode_document_id
from livefile.model.index_key import document_key
from livefile.model.schema_diff import ANY_VALIDATOR
from livefile.model.value import Value
from livefile.model.value_packed import pack
from livefile.sqlite.connections import APPLICATION_ID, FORMAT
from livefile.sqlite.upgrade import upgrade
from tests.app_folder import write_app
from tests.integrity import check_integrity

FORMAT_1 = Path(__file__).with_name("format_1.sql")
TABLE_NUMBER = 10_001
TS = 1_700_000_000_000_000_000
PAGES = """
    from livefile import *

    class Page(Table, name="pages"):
        title: str
        by_title = index("title")

    @mutation
    def add(ctx: MutationCtx, title: str) -> Id[Page]:
        return ctx.db.insert(Page(title=title))

    @query
    def titles(ctx: QueryCtx) -> list[str]:
        return [page.title for page in ctx.db.query(Page.by_title)]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of format 1 with a table, its index, two documents and their commit."""
    path = tmp_path / "pages.db"
    connection = apsw.Connection(str(path))
    connection.execute(FORMAT_1.read_text())
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", 1)
    connection.pragma("journal_mode", "wal")
    connection.execute("INSERT INTO tables VALUES (?, 'pages', ?)", (TABLE_NUMBER, ANY_VALIDATOR))
    paths: dict[int, tuple[tuple[str, ...], ...]] = {2: (), 3: (("title",),)}
    for id, name, fields in [
        (1, "by_id", []),
        (2, "by_creation_time", []),
        (3, "by_title", ["title"]),
    ]:
        connection.execute(
            "INSERT INTO indexes VALUES (?, ?, ?, ?)",
            (id, TABLE_NUMBER, name, '["title"]' if fields else "[]"),
        )
    writes = []
    for number, title in enumerate(("Home", "About")):
        internal_id = bytes([number]) * 16
        document: dict[str, Value] = {
            "_id": encode_document_id(TABLE_NUMBER, internal_id),
            "_creationTime": float(number),
            "title": title,
        }
        row = (TABLE_NUMBER, internal_id, pack(document))
        connection.execute("INSERT INTO documents VALUES (?, ?, ?)", row)
        writes.append((TABLE_NUMBER, internal_id, None, pack(document)))
        for index_id, index_paths in paths.items():
            entry = (index_id, document_key(document, index_paths, internal_id))
            connection.execute("INSERT INTO index_entries VALUES (?, ?)", entry)
    commit = (TS, 0, msgpack.packb(writes), msgpack.packb({"path": "pages:add"}))
    connection.execute("INSERT INTO commits VALUES (?, ?, ?, ?)", commit)
    connection.close()
    return path


def load(folder: Path) -> App:
    return App.load(write_app(folder, {"pages": PAGES}))


def test_a_file_of_format_1_serves_and_grows(path: Path, tmp_path: Path) -> None:
    with Livefile.open(path, load(tmp_path)) as livefile:
        assert livefile.latest_ts > TS
        assert livefile.query("pages:titles") == ["About", "Home"]
        livefile.mutation("pages:add", title="Contact")
        assert livefile.query("pages:titles") == ["About", "Contact", "Home"]
        check_integrity(livefile._database)

    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == FORMAT
    connection.close()


def test_an_upgraded_file_has_the_tables_of_a_new_one(path: Path, tmp_path: Path) -> None:
    Livefile.open(path).close()
    Livefile.open(tmp_path / "new.db").close()

    layouts = []
    for file in (path, tmp_path / "new.db"):
        connection = apsw.Connection(str(file))
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema")]
        layouts.append(
            {
                name: connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
                for name in sorted(names)
            }
        )
        connection.close()
    assert layouts[0] == layouts[1]


def test_an_upgrade_that_fails_leaves_the_old_format(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE migrations (path TEXT)")  # In the way of the upgrade.
    with pytest.raises(apsw.SQLError):
        upgrade(connection, 1, FORMAT)

    assert connection.pragma("user_version") == 1
    assert connection.execute("SELECT count(*) FROM indexes").get == 3
    connection.close()
