"""One table as JSON Lines, as an array in JSON, and as CSV; and every value there and back."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefile import App, ImportFileError, ImportFormat, Livefile
from livefile.archive.document_line import document_of, line_of
from livefile.model.value import Value
from livefile.vocabulary.limits import IMPORT_ARRAY_SIZE_BYTES_MAX
from tests.app_folder import write_app
from tests.strategies import documents

SOURCE = """
    from livefile import *

    class Person(Table, name="people"):
        name: str
        age: float | None = None
        is_member: bool = False
        zip: str = ""
        joined: int = 0
"""


@pytest.fixture
def livefile(tmp_path: Path) -> Iterator[Livefile]:
    app = App.load(write_app(tmp_path, {"people": SOURCE}))
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        yield livefile


def imported(livefile: Livefile, source: Path, table: str, **options: Any) -> list[dict[str, Any]]:
    """Import a file and return the documents of its table, oldest first."""
    livefile.upkeep.import_(source, table, **options)
    target = livefile.path.with_name("out.jsonl")
    livefile.upkeep.export_table(target, table)
    lines = map(json.loads, target.read_bytes().split(b"\n")[:-1])
    ordered = sorted(lines, key=lambda document: float(document["_creationTime"]))
    return [{n: it for n, it in document.items() if n[:1] != "_"} for document in ordered]


def write(tmp_path: Path, name: str, content: str) -> Path:
    (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path / name


@given(documents())
@settings(max_examples=100)
def test_every_document_survives_as_a_line(document: dict[str, Value]) -> None:
    line = line_of(document)

    again = document_of(line, "here")

    assert line_of(again) == line
    assert line.count(b"\n") == 1
    assert again.keys() == document.keys()


@given(st.dictionaries(st.sampled_from("zyxabc"), st.floats(allow_nan=False), min_size=2))
def test_a_line_has_its_keys_in_order(document: dict[str, Value]) -> None:
    assert list(json.loads(line_of(document))) == sorted(document)


def test_json_lines_and_an_array_are_the_same(livefile: Livefile, tmp_path: Path) -> None:
    people = [{"name": "Ada", "age": 36}, {"name": "Bob"}]
    lines = write(tmp_path, "in.jsonl", "\n\n".join(map(json.dumps, people)))
    array = write(tmp_path, "in.json", json.dumps(people))

    assert imported(livefile, lines, "first") == [{"age": 36.0, "name": "Ada"}, {"name": "Bob"}]
    livefile.path.with_name("out.jsonl").unlink()
    assert imported(livefile, array, "second") == [{"age": 36.0, "name": "Ada"}, {"name": "Bob"}]


def test_cells_become_what_the_schema_takes(livefile: Livefile, tmp_path: Path) -> None:
    lines = (
        "name,age,is_member,zip,joined",
        "Ada,36.5,true,01234,1843",
        '"Bob, 2nd",,false,,7',
        "12,,false,9,1",
    )

    found = imported(livefile, write(tmp_path, "in.csv", "\n".join(lines)), "people")

    assert found == [
        {"name": "Ada", "age": 36.5, "is_member": True, "zip": "01234", "joined": 1843.0},
        {"name": "Bob, 2nd", "age": None, "is_member": False, "zip": "", "joined": 7.0},
        {"name": "12", "age": None, "is_member": False, "zip": "9", "joined": 1.0},
    ]


def test_without_a_schema_a_cell_is_a_number_or_a_text(livefile: Livefile, tmp_path: Path) -> None:
    text = "a,b,c,d,e\n1,1e3,-.5,nan,\n1_000, 1,true,0x1,\n"

    found = imported(livefile, write(tmp_path, "in.csv", text), "anything")

    assert found == [
        {"a": 1.0, "b": 1000.0, "c": -0.5, "d": "nan", "e": ""},
        {"a": "1_000", "b": " 1", "c": "true", "d": "0x1", "e": ""},
    ]


@given(rows=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"))))
@settings(max_examples=15)
def test_texts_of_any_form_come_through_csv(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "number"], *([row, "x"] for row in rows)])

    with Livefile.open(folder / "live.db") as livefile:
        found = imported(livefile, folder / "in.csv", "texts")

    assert [row["number"] for row in found] == ["x"] * len(rows)
    assert [_as_cell(row) for row in rows] == [row["text"] for row in found]


def _as_cell(text: str) -> object:
    """Return what a cell without a schema is: a number if it has nothing but one."""
    if text and not text.strip("0123456789+-.eE"):
        try:
            return float(text)
        except ValueError:
            return text
    return text


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("in.csv", "a,a\n1,2\n", "name each column once"),
        ("in.csv", "a,\n1,2\n", "name each column once"),
        ("in.csv", "", "0 documents"),
        ("in.csv", "a,b\n1\n", "line 2: 1 cells, want 2"),
        ("in.csv", 'a\n"unclosed\n', "line 3"),
        ("in.json", "{}", "want an array"),
        ("in.json", "[1]", "item 0: want a document"),
        ("in.json", "[", "no JSON"),
        ("in.json", '[{"a": {"$set": []}}]', "item 0: .*sets and maps"),
    ],
)
def test_a_file_of_the_wrong_form_says_what_is_wrong(
    livefile: Livefile, tmp_path: Path, name: str, content: str, wanted: str
) -> None:
    source = write(tmp_path, name, content)
    if wanted == "0 documents":
        assert livefile.upkeep.import_(source, "table").rows == 0
        return

    with pytest.raises(ImportFileError, match=wanted):
        livefile.upkeep.import_(source, "table")


def test_a_cell_that_the_schema_refuses_is_named(livefile: Livefile, tmp_path: Path) -> None:
    source = write(tmp_path, "in.csv", "name,age\nAda,old\n")

    with pytest.raises(ImportFileError, match=r"in\.csv, line 2: it does not match the schema"):
        livefile.upkeep.import_(source, "people")


def test_text_that_is_not_utf_8_is_refused(livefile: Livefile, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"a\n\xff\n")

    with pytest.raises(ImportFileError, match="can't decode"):
        livefile.upkeep.import_(tmp_path / "in.csv", "table")


def test_a_large_array_is_refused(livefile: Livefile, tmp_path: Path) -> None:
    source = write(tmp_path, "in.json", "[" + " " * IMPORT_ARRAY_SIZE_BYTES_MAX + "]")

    with pytest.raises(ImportFileError, match="use JSON Lines"):
        livefile.upkeep.import_(source, "table")


def test_the_format_can_be_given(livefile: Livefile, tmp_path: Path) -> None:
    source = write(tmp_path, "in.txt", '{"a": 1}\n')

    assert imported(livefile, source, "table", format=ImportFormat.JSON_LINES) == [{"a": 1.0}]


def test_ids_and_times_of_a_table_are_kept(livefile: Livefile, tmp_path: Path) -> None:
    livefile.upkeep.import_(write(tmp_path, "in.jsonl", '{"a": 1}\n{"a": 2}\n'), "things")
    livefile.upkeep.export_table(tmp_path / "things.jsonl", "things")

    with Livefile.open(tmp_path / "other.db") as other:
        for table in ("first", "before"):  # The second takes its number.
            other.upkeep.import_(write(tmp_path, "x.jsonl", "{}\n"), table)
        with pytest.raises(ImportFileError, match='"before" has documents under the number'):
            other.upkeep.import_(tmp_path / "things.jsonl", "things")
    with Livefile.open(tmp_path / "new.db") as new:
        new.upkeep.import_(tmp_path / "things.jsonl", "things")
        new.upkeep.export_table(tmp_path / "again.jsonl", "things")

    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "things.jsonl").read_bytes()
