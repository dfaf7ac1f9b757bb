"""Imports: of snapshots and of tables; all modes, and bad documents."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import App, DefinitionError, ImportFileError, ImportMode, ImportProgress, Livefile
from tests.integrity import check_integrity
from tests.snapshot_zip import NOTES, USERS, awkward_lines, document_id, write_snapshot
from tests.upkeep_app import exported, fields_of, load_upkeep_app


@pytest.fixture
def app(tmp_path: Path) -> App:
    return load_upkeep_app(tmp_path)


@pytest.fixture
def livefile(tmp_path: Path, app: App) -> Iterator[Livefile]:
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        yield livefile
        check_integrity(livefile._database)


@pytest.fixture
def untyped(tmp_path: Path) -> Iterator[Livefile]:
    with Livefile.open(tmp_path / "untyped.db") as livefile:
        yield livefile
        check_integrity(livefile._database)


# --- Snapshots -------------------------------------------------------------------------------


def test_a_snapshot_comes_out_as_it_went_in(untyped: Livefile, tmp_path: Path) -> None:
    tables = {"users": USERS, "notes": NOTES, "empty": 10_003}
    lines = {"notes": awkward_lines(NOTES), "users": awkward_lines(USERS), "empty": []}
    source = write_snapshot(tmp_path / "in.zip", tables, lines)

    report = untyped.upkeep.import_(source)
    found = exported(untyped)

    assert report.rows == 2 * len(awkward_lines(NOTES))
    assert report.left_out == ()
    for table, own in lines.items():
        assert found[f"{table}/documents.jsonl"] == own
        assert found[f"{table}/generated_schema.jsonl"] == ['"uniform"']
    numbers = {row["name"]: row["id"] for row in map(json.loads, found["_tables/documents.jsonl"])}
    assert numbers == tables


def test_an_export_of_a_snapshot_is_the_same_file_byte_for_byte(
    livefile: Livefile, untyped: Livefile, tmp_path: Path
) -> None:
    livefile.mutation("notes:send_many", count=500, size=10)
    livefile.mutation("notes:add_user", name="Ada")
    livefile.upkeep.export(tmp_path / "first.zip")
    untyped.upkeep.import_(tmp_path / "first.zip")
    untyped.upkeep.export(tmp_path / "second.zip")

    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_tables_of_an_app_get_the_numbers_of_the_snapshot(
    livefile: Livefile, tmp_path: Path
) -> None:
    # Each number belongs to the other table, in the file as it is.
    numbers = {it.name: it.number for it in livefile._database.catalog.tables.values()}
    swapped = {"users": numbers["messages"], "messages": numbers["users"]}
    ada, hello = document_id(swapped["users"], 1), document_id(swapped["messages"], 2)
    lines = {
        "users": [f'{{"_creationTime":1.0,"_id":"{ada}","age":null,"name":"Ada"}}'],
        "messages": [f'{{"_creationTime":2.0,"_id":"{hello}","author":"{ada}","body":"hello"}}'],
    }
    watch = livefile.watch("notes:bodies")
    assert next(watch) == []

    livefile.upkeep.import_(write_snapshot(tmp_path / "in.zip", swapped, lines))

    assert next(watch) == ["hello"]
    watch.close()
    found = exported(livefile)
    assert found["users/documents.jsonl"] == lines["users"]
    assert found["messages/documents.jsonl"] == lines["messages"]
    assert isinstance(livefile.mutation("notes:send", body="next"), str)


def test_a_table_with_documents_keeps_its_number(livefile: Livefile, tmp_path: Path) -> None:
    livefile.mutation("notes:add_user", name="Ada")
    number = livefile._database.catalog.tables["users"].number
    source = write_snapshot(tmp_path / "in.zip", {"others": number}, {"others": []})

    with pytest.raises(ImportFileError, match=f'"users" has documents under the number {number}'):
        livefile.upkeep.import_(source)

    assert "others" not in livefile._database.catalog.tables
    livefile.upkeep.import_(source, mode=ImportMode.REPLACE_ALL)
    assert livefile._database.catalog.tables["others"].number == number


def test_ids_of_the_system_cannot_be_kept(untyped: Livefile, tmp_path: Path) -> None:
    source = write_snapshot(tmp_path / "in.zip", {"old": 22}, {"old": []})

    with pytest.raises(ImportFileError, match="carry the number 22; those up to 10000"):
        untyped.upkeep.import_(source)


def test_what_a_snapshot_has_beside_tables_is_named(untyped: Livefile, tmp_path: Path) -> None:
    source = write_snapshot(tmp_path / "in.zip", {"notes": NOTES, "_storage": 5}, {"notes": []})
    with zipfile.ZipFile(source, "a") as file:
        file.writestr("_components/counter/_tables/documents.jsonl", "")

    report = untyped.upkeep.import_(source)

    assert report.left_out == ("_components/counter/_tables/documents.jsonl",)


# --- What is there already -------------------------------------------------------------------


def jsonl(tmp_path: Path, *bodies: str) -> Path:
    path = tmp_path / f"in{len(bodies)}.jsonl"
    path.write_text("".join(f'{{"body": "{body}"}}\n' for body in bodies))
    return path


@pytest.mark.parametrize(
    ("mode", "bodies", "users"),
    [
        (ImportMode.APPEND, ["new", "old"], 1),
        (ImportMode.REPLACE, ["new"], 1),
        (ImportMode.REPLACE_ALL, ["new"], 0),
    ],
)
def test_a_mode_says_what_becomes_of_documents_that_are_there(
    livefile: Livefile, tmp_path: Path, mode: ImportMode, bodies: list[str], users: int
) -> None:
    livefile.mutation("notes:send", body="old")
    livefile.mutation("notes:add_user", name="Ada")

    livefile.upkeep.import_(jsonl(tmp_path, "new"), "messages", mode=mode)

    assert livefile.query("notes:bodies") == bodies
    assert len(fields_of(livefile, "users")) == users


def test_a_table_must_be_empty_unless_told_otherwise(livefile: Livefile, tmp_path: Path) -> None:
    livefile.mutation("notes:send", body="old")

    with pytest.raises(ImportFileError, match='"messages" is not empty; use the mode append'):
        livefile.upkeep.import_(jsonl(tmp_path, "new"), "messages")

    assert livefile.query("notes:bodies") == ["old"]


def test_many_documents_are_replaced_in_batches(livefile: Livefile, tmp_path: Path) -> None:
    livefile.mutation("notes:send_many", count=900, size=1)
    progress: list[ImportProgress] = []
    bodies = [f"{number:04}" for number in range(700)]

    report = livefile.upkeep.import_(
        jsonl(tmp_path, *bodies),
        "messages",
        mode=ImportMode.REPLACE,
        on_progress=progress.append,
    )

    assert livefile.query("notes:bodies") == bodies
    assert report.rows == 700
    assert progress[-1].done == progress[-1].count == 700
    assert len(progress) > 6


def test_an_id_that_is_taken_is_refused(livefile: Livefile, tmp_path: Path) -> None:
    taken = livefile.mutation("notes:send", body="old")
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"_id": taken, "body": "new"}))

    with pytest.raises(ImportFileError, match=f"line 1: there is a document with the id {taken}"):
        livefile.upkeep.import_(source, "messages", mode=ImportMode.APPEND)

    assert livefile.query("notes:bodies") == ["old"]


# --- Documents that do not fit ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('{"body": 1}', "does not match the schema of table"),
        ('{"text": "x"}', "missing the required field `body`"),
        ('{"body": "x", "_secret": 1}', "Field '_secret' starts with an underscore"),
        ('{"body": "x", "_id": "nonsense"}', "Unable to decode ID: nonsense"),
        ('{"body": "x", "_id": 5}', "_id must be a string"),
        ('{"body": "x", "_creationTime": "now"}', "_creationTime must be a number"),
        ('{"body": "x", "author": "nobody"}', "does not match the schema"),
        ('{"body": {"$integer": "x"}}', "\\$integer"),
        ('["body"]', "want a document as an object"),
        ('{"body": "x"', "Invalid JSON"),
        ('{"body": "\\ud800"}', "Invalid JSON"),
        ('{"body": ' + "[" * 100 + "]" * 100 + "}", "nested"),
        ('{"body": "' + "x" * 2_000_000 + '"}', "Value is too large"),
    ],
)
def test_a_document_that_does_not_fit_is_named_and_nothing_is_written(
    livefile: Livefile, tmp_path: Path, line: str, wanted: str
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"body": "good"}\n\n' + line + "\n")
    before = livefile.latest_ts

    with pytest.raises(ImportFileError, match=wanted) as raised:
        livefile.upkeep.import_(source, "messages")

    assert "in.jsonl, line 3" in str(raised.value)
    assert livefile.latest_ts == before
    assert livefile.query("notes:bodies") == []


def test_an_id_of_another_table_is_refused(livefile: Livefile, tmp_path: Path) -> None:
    user = livefile.mutation("notes:add_user", name="Ada")
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"body": "x"}) + "\n" + json.dumps({"_id": user, "body": "y"}))

    with pytest.raises(ImportFileError, match="is of table users, want one of messages"):
        livefile.upkeep.import_(source, "messages")


def test_a_declared_table_needs_its_app(tmp_path: Path, app: App) -> None:
    Livefile.open(tmp_path / "live.db", app).close()

    with (
        Livefile.open(tmp_path / "live.db") as alone,
        pytest.raises(ImportFileError, match="was declared by an app"),
    ):
        alone.upkeep.import_(jsonl(tmp_path, "x"), "messages")


def test_defaults_are_filled_in(livefile: Livefile, tmp_path: Path) -> None:
    livefile.upkeep.import_(jsonl(tmp_path, "x"), "messages")

    assert fields_of(livefile, "messages") == [{"author": None, "body": "x"}]


def test_what_cannot_be_read_says_so(livefile: Livefile, tmp_path: Path) -> None:
    (tmp_path / "table.xml").write_text("<x/>")
    upkeep = livefile.upkeep

    with pytest.raises(ImportFileError, match="there is no such file"):
        upkeep.import_(tmp_path / "missing.jsonl", "messages")
    with pytest.raises(ImportFileError, match=r"want one of \.zip"):
        upkeep.import_(tmp_path / "table.xml", "messages")
    with pytest.raises(ImportFileError, match="name the table"):
        upkeep.import_(jsonl(tmp_path, "x"))
    with pytest.raises(DefinitionError, match="reserved table name"):
        upkeep.import_(jsonl(tmp_path, "x"), "_storage")
