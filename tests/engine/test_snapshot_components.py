"""Snapshots with tables of components: below a folder for each component, as Convex has them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from livefile import ImportFileError, ImportMode, Livefile
from livefile.javascript.pushed_code import Component, PushedCode
from livefile.model.interval import EVERYTHING
from livefile.model.value import Value
from tests.pushed import code, definition, push, table
from tests.snapshot_zip import NOTES, document_id, write_snapshot

LIMITER = "../limiter"


def mounted() -> PushedCode:
    """An app with a table, and twice a component with one: once inside the other."""
    inner = Component(path="limiter/inner", definition=LIMITER)
    limiter = Component(path="limiter", definition=LIMITER, children={"inner": inner})
    return code(
        definition(tables=[table("messages", body="string")]),
        definition(path=LIMITER, tables=[table("buckets", key="string")]),
        root=Component(path="", definition="", children={"limiter": limiter}),
    )


def insert(livefile: Livefile, name: str, fields: Mapping[str, Value]) -> None:
    livefile._system.run("test", lambda transaction: transaction.insert(name, fields))


def documents(livefile: Livefile, name: str) -> list[dict[str, Value]]:
    found = livefile._database.catalog.tables[name]
    return livefile._system.read(
        lambda transaction: list(
            transaction.scan(found, found.indexes["by_creation_time"], EVERYTHING)
        )
    )


def test_tables_of_components_are_exported_and_imported(tmp_path: Path) -> None:
    names = {"messages": "body", "limiter/buckets": "key", "limiter/inner/buckets": "key"}
    with Livefile.open(tmp_path / "a.db") as livefile:
        push(livefile, mounted())
        for name, field in names.items():
            insert(livefile, name, {field: name})
        before = {name: documents(livefile, name) for name in names}
        livefile.upkeep.export(tmp_path / "out.zip")

    inner = "_components/limiter/_components/inner/"
    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        assert {name for name in file.namelist() if name.startswith(inner)} == {
            f"{inner}_tables/documents.jsonl",
            f"{inner}buckets/documents.jsonl",
            f"{inner}buckets/generated_schema.jsonl",
        }
        assert b'"name":"buckets"' in file.read(f"{inner}_tables/documents.jsonl")

    with Livefile.open(tmp_path / "b.db") as livefile:
        report = livefile.upkeep.import_(tmp_path / "out.zip")
        assert not report.left_out
        push(livefile, mounted())
        assert {name: documents(livefile, name) for name in names} == before


def test_documents_of_components_are_checked_against_their_schema(tmp_path: Path) -> None:
    source = write_snapshot(tmp_path / "in.zip", {}, {})
    add_component(source, "limiter", NOTES, f'{{"_id":"{document_id(NOTES, 1)}","key":1.0}}\n')
    with Livefile.open(":memory:") as livefile:
        push(livefile, mounted())

        with pytest.raises(ImportFileError, match='schema of table "limiter/buckets"'):
            livefile.upkeep.import_(source, mode=ImportMode.REPLACE_ALL)


def test_a_component_whose_numbers_are_those_of_the_app_is_left_out(tmp_path: Path) -> None:
    line = f'{{"_id":"{document_id(NOTES, 1)}","_creationTime":1.0}}\n'
    source = write_snapshot(tmp_path / "in.zip", {"notes": NOTES}, {"notes": [line.strip()]})
    add_component(source, "limiter", NOTES, line)
    with Livefile.open(":memory:") as livefile:
        report = livefile.upkeep.import_(source)

        assert report.left_out == (
            "_components/limiter/_tables/documents.jsonl",
            "_components/limiter/buckets/documents.jsonl",
        )
        assert len(documents(livefile, "notes")) == 1


@pytest.mark.parametrize("name", ["_hidden", "no-name"])
def test_a_component_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    source = write_snapshot(tmp_path / "in.zip", {}, {})
    add_component(source, name, NOTES, "")

    with Livefile.open(":memory:") as livefile, pytest.raises(ImportFileError, match="component"):
        livefile.upkeep.import_(source)


def add_component(source: Path, name: str, number: int, lines: str) -> None:
    """Add a component with one table to a snapshot."""
    folder = f"_components/{name}"
    with zipfile.ZipFile(source, "a") as file:
        listed = f'{{"name":"buckets","id":{number}}}\n'
        file.writestr(f"{folder}/_tables/documents.jsonl", listed)
        file.writestr(f"{folder}/buckets/documents.jsonl", lines)
