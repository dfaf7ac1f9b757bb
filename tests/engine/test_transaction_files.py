"""Files that a mutation stores and reads: a part of its transaction, bytes and all."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import App, ConvexError, Livefile, errors
from livefile.vocabulary.limits import (
    FILE_CHUNK_SIZE_BYTES,
    TRANSACTION_FILE_BYTES_MAX,
    TRANSACTION_FILES_MAX,
)
from tests.app_folder import write_app
from tests.storage_app import blob_states, bytes_of, chunks_count, uuid_of

FILES = """
    from typing import Any

    from livefile import *

    @mutation
    def store(ctx: MutationCtx, content: Any, content_type: Any = None) -> Id[StoredFile]:
        return ctx.storage.store(content, content_type=content_type)

    @mutation
    def store_checked(ctx: MutationCtx, content: bytes, digest: bytes) -> Id[StoredFile]:
        return ctx.storage.store(content, sha256=digest)

    @mutation
    def store_and_read(ctx: MutationCtx, content: bytes) -> list[Any]:
        id = ctx.storage.store(content, content_type="text/plain")
        found = ctx.storage.get_metadata(id)
        return [ctx.storage.get(id), found.size, ctx.storage.get_url(id) is not None]

    @mutation
    def store_and_delete(ctx: MutationCtx, content: bytes) -> bytes | None:
        id = ctx.storage.store(content)
        ctx.storage.delete(id)
        return ctx.storage.get(id)

    @mutation
    def store_and_fail(ctx: MutationCtx, content: bytes) -> None:
        ctx.storage.store(content)
        raise ConvexError("no")

    @mutation
    def try_to_store(ctx: MutationCtx, content: bytes) -> Id[StoredFile]:
        try:
            ctx.run_mutation(store_and_fail, content=content)
        except ConvexError:
            pass
        return ctx.storage.store(content)

    @mutation
    def read(ctx: MutationCtx, id: Any, times: int = 1) -> bytes | None:
        for _ in range(times):
            found = ctx.storage.get(id)
        return found

    @mutation
    def store_many(ctx: MutationCtx, count: int, size: int) -> None:
        for _ in range(count):
            ctx.storage.store(bytes(size))

    @mutation
    def delete(ctx: MutationCtx, id: Any) -> None:
        ctx.storage.delete(id)

    @query
    def url(ctx: QueryCtx, id: Any) -> str | None:
        return ctx.storage.get_url(id)

    @query
    def documents(ctx: QueryCtx) -> list[dict[str, Any]]:
        return ctx.db.system.query("_storage").collect()
"""
LONG = bytes(range(256)) * (FILE_CHUNK_SIZE_BYTES // 256) + b"and more"


@pytest.fixture(params=[True, False], ids=["threads", "steps"])
def livefile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Livefile]:
    app = App.load(write_app(tmp_path, {"files": FILES}))
    with Livefile.open(":memory:", app, has_threads=request.param) as opened:
        yield opened


@pytest.mark.parametrize("content", [b"", b"hello", LONG])
def test_a_stored_file_is_there_with_the_commit(livefile: Livefile, content: bytes) -> None:
    id = livefile.mutation("files:store", content=content, content_type="image/png")
    (document,) = livefile.query("files:documents")

    assert bytes_of(livefile, id) == content
    assert livefile.mutation("files:read", id=id) == content
    assert document["sha256"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert (document["_id"], document["size"], document["contentType"]) == (
        id,
        len(content),
        "image/png",
    )


def test_the_transaction_sees_its_own_files(livefile: Livefile) -> None:
    assert livefile.mutation("files:store_and_read", content=LONG) == [LONG, len(LONG), True]


def test_of_a_mutation_that_fails_nothing_is_left(livefile: Livefile) -> None:
    with pytest.raises(ConvexError):
        livefile.mutation("files:store_and_fail", content=LONG)

    assert livefile.query("files:documents") == []
    assert (chunks_count(livefile), blob_states(livefile)) == (0, [])


def test_of_a_call_that_failed_no_bytes_are_written(livefile: Livefile) -> None:
    id = livefile.mutation("files:try_to_store", content=b"kept")

    assert bytes_of(livefile, id) == b"kept"
    assert chunks_count(livefile) == 1


def test_a_file_that_is_deleted_at_once_is_no_file(livefile: Livefile) -> None:
    assert livefile.mutation("files:store_and_delete", content=b"x") is None
    assert livefile.query("files:documents") == []


def test_files_have_names_that_nobody_guesses(livefile: Livefile) -> None:
    ids = [livefile.mutation("files:store", content=b"same") for _ in range(3)]

    uuids = {uuid_of(livefile, id) for id in ids}
    assert len(uuids) == 3
    assert all(uuid[14] == "4" for uuid in uuids)


def test_bytes_must_have_the_promised_digest(livefile: Livefile) -> None:
    digest = hashlib.sha256(b"hello").digest()
    livefile.mutation("files:store_checked", content=b"hello", digest=digest)

    with pytest.raises(errors.BadRequestError, match="Sha256 mismatch"):
        livefile.mutation("files:store_checked", content=b"other", digest=digest)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"content": "text"}, "stores a file from bytes, got str"),
        ({"content": b"", "content_type": "image"}, "a content type is a text such as"),
    ],
)
def test_what_is_no_file_is_refused(
    livefile: Livefile, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(errors.InvalidValueError, match=message):
        livefile.mutation("files:store", **arguments)


def test_a_mutation_stores_and_reads_so_much_and_no_more(livefile: Livefile) -> None:
    id = livefile.mutation("files:store", content=b"x")
    livefile.mutation("files:store_many", count=TRANSACTION_FILES_MAX, size=1)
    livefile.mutation("files:read", id=id, times=TRANSACTION_FILES_MAX)

    with pytest.raises(errors.TransactionLimitError, match="may write 100 files"):
        livefile.mutation("files:store_many", count=TRANSACTION_FILES_MAX + 1, size=1)
    with pytest.raises(errors.TransactionLimitError, match="may read 100 files"):
        livefile.mutation("files:read", id=id, times=TRANSACTION_FILES_MAX + 1)
    with pytest.raises(errors.TransactionLimitError, match="may write 16777216 bytes of files"):
        livefile.mutation("files:store_many", count=1, size=TRANSACTION_FILE_BYTES_MAX + 1)


def test_a_file_that_is_not_there_has_no_bytes(livefile: Livefile) -> None:
    id = livefile.mutation("files:store", content=b"x")
    livefile.mutation("files:delete", id=id)

    assert livefile.mutation("files:read", id=id) is None
