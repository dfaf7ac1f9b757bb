import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import Livefile, StoredFileNotFoundError, errors
from livefile.vocabulary.limits import FILE_CHUNK_SIZE_BYTES, FILE_SIZE_BYTES_MAX
from tests.integrity import check_integrity
from tests.storage_app import (
    blob_states,
    bytes_of,
    chunks_count,
    content_of,
    open_storage,
    pieces_of,
    run_stepped,
    store,
    uuid_of,
)

SIZES = [0, 1, FILE_CHUNK_SIZE_BYTES - 1, FILE_CHUNK_SIZE_BYTES, FILE_CHUNK_SIZE_BYTES + 1, 700_001]


def content(size: int) -> bytes:
    """Return bytes of which no two stretches are alike."""
    return b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(size // 32 + 1))[:size]


@pytest.fixture
def livefile(tmp_path: Path) -> Iterator[Livefile]:
    with open_storage(tmp_path, has_threads=False) as opened:
        yield opened
        check_integrity(opened._database)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece_size", [65_536, 1_000_000])
def test_what_was_stored_is_read_again(livefile: Livefile, size: int, piece_size: int) -> None:
    whole = content(size)
    pieces = [whole[start : start + piece_size] for start in range(0, size, piece_size)]

    storage_id = store(livefile, *pieces, content_type="image/png")

    found = content_of(livefile, storage_id)
    assert bytes_of(livefile, storage_id) == whole
    assert found.size_bytes == size
    assert found.sha256 == hashlib.sha256(whole).digest()
    assert found.content_type == "image/png"
    assert chunks_count(livefile) == -(-size // FILE_CHUNK_SIZE_BYTES)
    assert blob_states(livefile) == ["stored"]


def test_any_part_can_be_read(tmp_path: Path) -> None:
    whole = content(3 * FILE_CHUNK_SIZE_BYTES - 7)
    positions = st.integers(min_value=0, max_value=len(whole))
    with open_storage(tmp_path, has_threads=False) as livefile:
        found = content_of(livefile, store(livefile, whole))

        @given(st.tuples(positions, positions).filter(lambda pair: pair[0] < pair[1]))
        def check(part: tuple[int, int]) -> None:
            start, end = part
            read = b""
            while start + len(read) < end:
                read += livefile.files.read(found, start + len(read), end)

            assert read == whole[start:end]

        check()


def test_no_address_is_like_another(livefile: Livefile) -> None:
    ids = [store(livefile, b"the same") for _ in range(3)]

    assert len({uuid_of(livefile, storage_id) for storage_id in ids}) == 3


def test_a_promised_digest_is_checked(livefile: Livefile) -> None:
    whole = content(FILE_CHUNK_SIZE_BYTES + 1)
    right, wrong = hashlib.sha256(whole).digest(), hashlib.sha256(b"").digest()
    run_stepped(livefile, lambda: livefile.files.store(pieces_of([whole]), None, right))

    with pytest.raises(errors.BadRequestError, match=r"^Sha256 mismatch\. Expected: 47DEQ.*Actual"):
        run_stepped(livefile, lambda: livefile.files.store(pieces_of([whole]), None, wrong))

    livefile.step()
    assert len(livefile.query("files:documents")) == 1
    assert "uploading" not in blob_states(livefile)


def test_a_file_that_is_too_large_is_refused(livefile: Livefile) -> None:
    livefile.files.check_size(FILE_SIZE_BYTES_MAX)

    with pytest.raises(errors.BadRequestError, match="this one has 68719476737 or more"):
        livefile.files.check_size(FILE_SIZE_BYTES_MAX + 1)


@pytest.mark.parametrize("pieces_count", [0, 1, 2, 5])
def test_an_upload_that_is_cut_leaves_nothing(livefile: Livefile, pieces_count: int) -> None:
    async def cut() -> AsyncIterator[bytes]:
        for _ in range(pieces_count):
            yield content(FILE_CHUNK_SIZE_BYTES - 100)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        run_stepped(livefile, lambda: livefile.files.store(cut()))

    for _ in range(10):
        livefile.step()
    assert livefile.query("files:documents") == []
    assert blob_states(livefile) == []
    assert chunks_count(livefile) == 0


@pytest.mark.parametrize("turns", range(8))
def test_an_upload_that_is_cancelled_at_any_moment_leaves_no_half_of_a_file(
    livefile: Livefile, turns: int
) -> None:
    pieces = [content(FILE_CHUNK_SIZE_BYTES)] * 2

    async def cancel() -> None:
        task = asyncio.ensure_future(livefile.files.store(pieces_of(pieces)))
        for turn in range(turns):
            if turn % 2:
                livefile.step()
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel())

    for _ in range(10):
        livefile.step()
    files_count = len(livefile.query("files:documents"))
    assert blob_states(livefile) == ["stored"] * files_count
    assert chunks_count(livefile) == 2 * files_count


def test_a_file_that_is_deleted_while_it_is_read_ends(livefile: Livefile) -> None:
    storage_id = store(livefile, content(FILE_CHUNK_SIZE_BYTES * 3))
    found = content_of(livefile, storage_id)
    livefile.mutation("files:delete", id=storage_id)
    for _ in range(10):
        livefile.step()

    with pytest.raises(StoredFileNotFoundError, match="was deleted while it was read"):
        livefile.files.read(found, FILE_CHUNK_SIZE_BYTES, found.size_bytes)
    with pytest.raises(StoredFileNotFoundError):
        run_stepped(livefile, lambda: anext(livefile.files.stream(found)))


def test_calls_go_on_between_the_chunks_of_an_upload(livefile: Livefile) -> None:
    seen: list[int] = []

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(4):
            livefile.mutation("files:upload_url")
            seen.append(len(livefile.query("files:documents")))
            yield content(FILE_CHUNK_SIZE_BYTES)

    run_stepped(livefile, lambda: livefile.files.store(upload()))

    assert seen == [0, 0, 0, 0]
    assert len(livefile.query("files:documents")) == 1


def test_files_are_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    whole = content(600_000)
    with open_storage(tmp_path, tmp_path / "a.db", has_threads=False) as livefile:
        storage_id = store(livefile, whole)
        token = livefile.mutation("files:upload_url").rpartition("=")[2]
    with open_storage(tmp_path, tmp_path / "a.db", has_threads=False) as livefile:
        assert bytes_of(livefile, storage_id) == whole
        livefile.files.check_upload_token(token)
    with (
        open_storage(tmp_path, has_threads=False) as other,
        pytest.raises(errors.UnauthenticatedError),
    ):
        other.files.check_upload_token(token)


def test_an_upload_fails_when_the_deployment_closes(tmp_path: Path) -> None:
    livefile = open_storage(tmp_path)

    async def closing() -> AsyncIterator[bytes]:
        yield content(FILE_CHUNK_SIZE_BYTES)
        livefile.close()
        yield content(FILE_CHUNK_SIZE_BYTES)

    with pytest.raises(errors.ClosedError):
        asyncio.run(livefile.files.store(closing()))
