"""Stored files in snapshot files: they come out as they went in, whole or not at all."""

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import App, ImportFileError, ImportMode, ImportProgress, Livefile
from livefile.vocabulary.limits import FILE_CHUNK_SIZE_BYTES
from tests.app_folder import write_app
from tests.integrity import check_integrity
from tests.snapshot_zip import document_id

SOURCE = """
    from typing import Any
    from livefile import *

    class Picture(Table, name="pictures"):
        file: Id[StoredFile]

    @action
    async def store(ctx: ActionCtx, content: bytes, content_type: str | None = None) -> str:
        return await ctx.storage.store(content, content_type=content_type)

    @action
    async def read(ctx: ActionCtx, id: str) -> bytes | None:
        return await ctx.storage.get(id)

    @mutation
    def show(ctx: MutationCtx, file: Id[StoredFile]) -> None:
        ctx.db.insert(Picture(file=file))

    @query
    def url(ctx: QueryCtx, id: str) -> str | None:
        return ctx.storage.get_url(id)
"""
LARGE = bytes(range(256)) * (FILE_CHUNK_SIZE_BYTES // 128) + b"end"
STORAGE = 10_077  # What a deployment of Convex may have given to its files.


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App.load(write_app(tmp_path, {"files": SOURCE}))


@pytest.fixture
def livefile(tmp_path: Path, app: App) -> Iterator[Livefile]:
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        yield livefile


def store_some(livefile: Livefile) -> dict[str, bytes]:
    """Store files, one of them shown by a document; return their bytes by id."""
    stored = {
        livefile.action("files:store", content=LARGE, content_type="image/png"): LARGE,
        livefile.action("files:store", content=b""): b"",
        livefile.action("files:store", content=b"text", content_type="text/plain"): b"text",
    }
    livefile.mutation("files:show", file=next(iter(stored)))
    return stored


def write_files(path: Path, contents: dict[str, bytes], sha256: str | None = None) -> Path:
    """Write a snapshot with files as Convex has them."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("_tables/documents.jsonl", f'{{"name":"_storage","id":{STORAGE}}}\n')
        lines = []
        for id, content in contents.items():
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            document = {
                "_id": id,
                "_creationTime": 1.5,
                "sha256": sha256 or digest,
                "size": len(content),
                "contentType": None,
                "internalId": "e0e1b7e9-3d0f-4f76-9d2b-f5a4a8a0a001",
            }
            lines.append(json.dumps(document) + "\n")
            file.writestr(f"_storage/{id}.bin", content)
        file.writestr("_storage/documents.jsonl", "".join(lines))
    return path


def test_stored_files_come_out_as_they_went_in(
    livefile: Livefile, app: App, tmp_path: Path
) -> None:
    stored = store_some(livefile)
    report = livefile.upkeep.export(tmp_path / "first.zip", has_files=True)
    urls = {id: livefile.query("files:url", id=id) for id in stored}
    with Livefile.open(tmp_path / "new.db", app) as new:
        imported = new.upkeep.import_(tmp_path / "first.zip")
        new.upkeep.export(tmp_path / "second.zip", has_files=True)
        found = {id: new.action("files:read", id=id) for id in stored}
        found_urls = {id: new.query("files:url", id=id) for id in stored}
        check_integrity(new._database)

    assert (report.files, imported.files, imported.rows) == (3, 3, 1)
    assert imported.left_out == ()
    assert found == stored
    assert found_urls == urls
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_files_are_left_out_unless_asked_for(livefile: Livefile, tmp_path: Path) -> None:
    store_some(livefile)

    report = livefile.upkeep.export(tmp_path / "out.zip")

    assert report.files == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        assert not [name for name in file.namelist() if "_storage" in name]


def test_files_of_convex_keep_their_ids_also_over_a_restart(tmp_path: Path, app: App) -> None:
    id = document_id(STORAGE, 5)
    source = write_files(tmp_path / "in.zip", {id: LARGE})
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        livefile.upkeep.import_(source)
        livefile.mutation("files:show", file=id)
    with Livefile.open(tmp_path / "live.db", app) as livefile:
        assert livefile.action("files:read", id=id) == LARGE
        later = livefile.action("files:store", content=b"later")
        assert livefile.action("files:read", id=later) == b"later"
        check_integrity(livefile._database)


def test_files_that_are_there_make_way_only_when_told(livefile: Livefile, tmp_path: Path) -> None:
    store_some(livefile)
    other = write_files(tmp_path / "other.zip", {document_id(STORAGE, 5): b"other"})
    with pytest.raises(ImportFileError, match='"_storage" is not empty'):
        livefile.upkeep.import_(other)
    livefile.upkeep.import_(other, mode=ImportMode.REPLACE)

    assert livefile.action("files:read", id=document_id(STORAGE, 5)) == b"other"
    assert livefile.upkeep.export(tmp_path / "out.zip", has_files=True).files == 1
    check_integrity(livefile._database)


def test_bytes_with_another_hash_are_refused(livefile: Livefile, tmp_path: Path) -> None:
    id = document_id(STORAGE, 5)
    wrong = base64.b64encode(b"x" * 32).decode()
    source = write_files(tmp_path / "in.zip", {id: b"bytes"}, sha256=wrong)

    with pytest.raises(ImportFileError, match="another SHA-256 than it says"):
        livefile.upkeep.import_(source)

    assert livefile.query("files:url", id=id) is None


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"size": 3}, "its size is 3.0, that of its bytes 5"),
        ({"sha256": "c2hvcnQ="}, "sha256 must be 32 bytes"),
        ({"contentType": "no type"}, "a content type is a text"),
        ({"_creationTime": None}, "_creationTime must be a number"),
        ({"_id": "nothing"}, "no entry with the bytes"),
    ],
)
def test_a_document_of_a_file_that_does_not_fit_is_named(
    livefile: Livefile, tmp_path: Path, change: dict[str, object], wanted: str
) -> None:
    whole = write_files(tmp_path / "whole.zip", {document_id(STORAGE, 5): b"bytes"})
    with zipfile.ZipFile(whole) as file, zipfile.ZipFile(tmp_path / "in.zip", "w") as changed:
        for name in file.namelist():
            data = file.read(name)
            if name == "_storage/documents.jsonl":
                data = json.dumps({**json.loads(data), **change}).encode()
            changed.writestr(name, data)

    with pytest.raises(ImportFileError, match=wanted):
        livefile.upkeep.import_(tmp_path / "in.zip")


class StopError(Exception):
    """Raised to cut an import off."""


def test_an_import_of_files_goes_on_where_it_stopped(livefile: Livefile, tmp_path: Path) -> None:
    contents = {document_id(STORAGE, number): b"%d" % number for number in range(1, 6)}
    source = write_files(tmp_path / "in.zip", contents)

    def stop(progress: ImportProgress) -> None:
        if progress.phase.name == "FILES" and progress.done == 3:
            raise StopError

    with pytest.raises(StopError):
        livefile.upkeep.import_(source, on_progress=stop)
    report = livefile.upkeep.import_(source)

    assert report.files == 5
    assert {id: livefile.action("files:read", id=id) for id in contents} == contents
