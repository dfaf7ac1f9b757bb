import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefile import ConvexError, Livefile, errors
from livefile.vocabulary.limits import CONTENT_TYPE_LENGTH_MAX, FILE_CHUNK_SIZE_BYTES
from tests.stepped_app import SteppedApp
from tests.storage_app import FUNCTIONS, open_storage, store, uuid_of

SHA256 = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()


@pytest.fixture
def livefile(tmp_path: Path) -> Iterator[Livefile]:
    with open_storage(tmp_path) as opened:
        yield opened


def store_hello(livefile: Livefile) -> str:
    stored: str = livefile.action("files:store", content=b"hello", content_type="text/plain")
    return stored


def test_the_document_of_a_file_has_exactly_the_fields_of_the_protocol(livefile: Livefile) -> None:
    storage_id = store_hello(livefile)

    (document,) = livefile.query("files:documents")
    assert document == {
        "_id": storage_id,
        "_creationTime": document["_creationTime"],
        "sha256": SHA256,
        "size": 5.0,
        "contentType": "text/plain",
    }
    assert list(document) == ["_id", "_creationTime", "sha256", "size", "contentType"]


def test_a_file_is_described_by_its_id_and_by_its_uuid(livefile: Livefile) -> None:
    storage_id = store_hello(livefile)

    for id in (storage_id, uuid_of(livefile, storage_id)):
        found = livefile.query("files:metadata", id=id)
        assert (found.id, found.size, found.content_type) == (storage_id, 5, "text/plain")
        assert found.sha256 == SHA256
        assert livefile.query("files:url", id=id).endswith(uuid_of(livefile, storage_id))
        assert livefile.action("files:get", id=id) == b"hello"
        assert livefile.action("files:look", id=id) == [livefile.query("files:url", id=id), 5]


def test_the_id_of_a_file_is_a_type_of_arguments_and_results(livefile: Livefile) -> None:
    storage_id = store_hello(livefile)

    assert livefile.query("files:typed", id=storage_id) == storage_id
    with pytest.raises(errors.ArgumentValidationError, match="_storage"):
        livefile.query("files:typed", id="x")


def test_an_action_reads_what_it_has_just_stored(livefile: Livefile) -> None:
    assert livefile.action("files:store_and_get", content=b"hello") == b"hello"


def test_addresses_begin_with_the_origin_of_the_server(livefile: Livefile) -> None:
    storage_id = store_hello(livefile)
    assert livefile.mutation("files:upload_url").startswith("/api/storage/upload?token=")
    livefile.origins.cloud = "https://files.example"

    prefix = "https://files.example/api/storage/"
    assert livefile.mutation("files:upload_url").startswith(f"{prefix}upload?token=")
    assert livefile.action("files:upload_url_of_action").startswith(f"{prefix}upload?token=")
    url, _ = livefile.action("files:look", id=storage_id)
    assert url == prefix + uuid_of(livefile, storage_id)


def test_a_file_that_is_gone_is_nothing(livefile: Livefile) -> None:
    storage_id = store_hello(livefile)
    uuid = uuid_of(livefile, storage_id)
    livefile.action("files:remove", id=storage_id)

    for id in (storage_id, uuid):
        assert livefile.query("files:url", id=id) is None
        assert livefile.query("files:metadata", id=id) is None
        assert livefile.action("files:get", id=id) is None
        assert livefile.action("files:look", id=id) == [None, None]
        for path in ("files:delete",):
            with pytest.raises(errors.StoredFileNotFoundError, match=f"storage id {id} not found"):
                livefile.mutation(path, id=id)
        with pytest.raises(errors.StoredFileNotFoundError):
            livefile.action("files:stream", id=id)
    assert livefile.query("files:documents") == []
    assert livefile.files.find_by_uuid(uuid) is None


@pytest.mark.parametrize(
    "id",
    [
        "",
        "x",
        7,
        None,
        ["a"],
        "../../etc/passwd",
        "33d6c09d-ad2f-41f7-8337-51694decb2c",
        "33D6C09D-AD2F-41F7-8337-51694DECB2C4",
        "33d6c09dad2f41f7833751694decb2c4",
        "33d6c09d-ad2f-41f7-8337-51694decb2c4\n",
        "' OR 1=1 --",
        "\0",
        "x" * 5000,
    ],
)
def test_what_can_be_no_file_is_refused(livefile: Livefile, id: Any) -> None:
    for kind, path in [("query", "url"), ("query", "metadata"), ("mutation", "delete")]:
        with pytest.raises(errors.InvalidStorageIdError, match="Invalid argument: "):
            getattr(livefile, kind)(f"files:{path}", id=id)
    for path in ("get", "stream", "look", "remove"):
        with pytest.raises(errors.InvalidStorageIdError):
            livefile.action(f"files:{path}", id=id)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "image",
        "image/",
        "/png",
        "image/png\r\nX-Evil: 1",
        "image/png\n",
        "image/ png",
        "ima ge/png",
        "text/html; charset",
        "text/html, image/png",
        "image/pñg",
        "image/png\0",
        'text/plain; a="\r\n"',
        "a/" + "b" * CONTENT_TYPE_LENGTH_MAX,
        7,
    ],
)
def test_what_is_no_content_type_is_refused(livefile: Livefile, content_type: Any) -> None:
    with pytest.raises(errors.InvalidValueError, match="a content type is a text such as"):
        livefile.action("files:store", content=b"x", content_type=content_type)

    assert livefile.query("files:documents") == []


@pytest.mark.parametrize(
    "content_type",
    [None, "image/png", "text/plain; charset=utf-8", 'a/b;c="d e" ; f=g', "a/b;", "x-a/vnd.b+json"],
)
def test_content_types_are_kept_as_they_are(livefile: Livefile, content_type: str | None) -> None:
    storage_id = livefile.action("files:store", content=b"x", content_type=content_type)

    assert livefile.query("files:metadata", id=storage_id).content_type == content_type


def test_an_action_stores_and_reads_piece_by_piece(livefile: Livefile) -> None:
    piece = bytes(100_000)
    storage_id = livefile.action("files:store_pieces", pieces=[piece] * 6)

    sizes = livefile.action("files:stream", id=storage_id)
    assert sizes == [FILE_CHUNK_SIZE_BYTES, FILE_CHUNK_SIZE_BYTES, 600_000 % FILE_CHUNK_SIZE_BYTES]
    assert livefile.action("files:get", id=storage_id) == piece * 6


@pytest.mark.parametrize("content", ["text", 7, None, {"a": 1.0}, [1.0]])
def test_an_action_stores_nothing_but_bytes(livefile: Livefile, content: Any) -> None:
    with pytest.raises(errors.InvalidValueError, match="is stored from bytes or an asynchronous"):
        livefile.action("files:store", content=content, content_type=None)
    with pytest.raises(errors.InvalidValueError, match="from pieces that are bytes, got"):
        livefile.action("files:store_pieces", pieces=[b"x", content])

    assert livefile.query("files:documents") == []


def test_a_deletion_is_part_of_its_mutation(livefile: Livefile) -> None:
    storage_id = store_hello(livefile)
    with pytest.raises(ConvexError):
        livefile.mutation("files:delete_and_fail", id=storage_id)
    assert livefile.query("files:url", id=storage_id) is not None

    livefile.mutation("files:delete", id=storage_id)

    assert livefile.query("files:url", id=storage_id) is None


def test_live_queries_follow_the_files_that_they_look_at(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"files": FUNCTIONS}) as app:
        first = store(app.livefile, b"one")
        client = app.client()
        client.watch(1, "files:url", id=first)
        client.watch(2, "files:documents")
        app.step()
        assert client.value(1).startswith("/api/storage/")
        assert len(client.value(2)) == 1
        app.runs.clear()

        second = store(app.livefile, b"two")
        app.step()
        assert [row["_id"] for row in client.value(2)] == [first, second]
        assert app.count_runs("files:url") == 0

        app.mutate("files:delete", id=first)
        assert client.value(1) is None
        assert [row["_id"] for row in client.value(2)] == [second]


def test_the_past_knows_the_files_that_it_had(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"files": FUNCTIONS}) as app:
        storage_id = store(app.livefile, b"one")
        ts, url = app.livefile.latest_ts, app.livefile.query("files:url", id=storage_id)
        app.mutate("files:delete", id=storage_id)
        for _ in range(5):
            app.step()

        outcome = app.query_at(ts, "files:url", id=storage_id)
        assert getattr(outcome, "json", None) == b'"%b"' % url.encode()


def test_apps_see_nothing_of_blobs(livefile: Livefile, tmp_path: Path) -> None:
    functions = """
        from livefile import *

        @query
        def system(ctx: QueryCtx) -> list[object]:
            return ctx.db.system.query("_blobs").collect()

        @query
        def table(ctx: QueryCtx) -> list[object]:
            return ctx.db.table("_blobs").query().collect()
    """
    with SteppedApp(tmp_path, {"peek": functions}) as app:
        for path in ("peek:system", "peek:table"):
            with pytest.raises(errors.LivefileError):
                app.livefile.query(path)
