from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import Livefile, ManualClock
from livefile.sqlite.blobs import add_chunk
from livefile.system.stored_files import add_blob, blob_key
from livefile.transaction.committer import Committer
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.limits import FILE_CHUNK_SIZE_BYTES, FILE_CHUNKS_REMOVED_MAX
from tests.storage_app import blob_states, bytes_of, chunks_count, open_storage, store

CHUNK = bytes(FILE_CHUNK_SIZE_BYTES)


@pytest.fixture
def livefile(tmp_path: Path) -> Iterator[Livefile]:
    with open_storage(tmp_path, has_threads=False) as opened:
        yield opened


def steps(livefile: Livefile, count: int = 20) -> None:
    for _ in range(count):
        livefile.step()


def write_unfinished(livefile: Livefile) -> None:
    """Leave what an upload leaves when its process is killed."""

    def write(transaction: Transaction, committer: Committer) -> None:
        key = blob_key(add_blob(transaction))
        committer.work(lambda connection, _: add_chunk(connection, key, 0, b"half"))

    livefile._system.submit_work("upload", write, lambda _: None)
    livefile.step()


def test_the_bytes_of_a_deleted_file_are_removed_a_few_at_a_time(livefile: Livefile) -> None:
    count = 2 * FILE_CHUNKS_REMOVED_MAX + 3
    storage_id = store(livefile, CHUNK * count)
    kept = store(livefile, b"kept")
    steps(livefile)
    livefile.mutation("files:delete", id=storage_id)

    seen = [chunks_count(livefile)]
    for _ in range(20):
        livefile.step()
        if chunks_count(livefile) != seen[-1]:
            seen.append(chunks_count(livefile))

    assert seen == [count + 1, count + 1 - FILE_CHUNKS_REMOVED_MAX, 4, 1]
    assert blob_states(livefile) == ["stored"]
    assert bytes_of(livefile, kept) == b"kept"


def test_a_deletion_that_failed_removes_nothing(livefile: Livefile) -> None:
    storage_id = store(livefile, b"kept")
    with pytest.raises(Exception, match="no"):
        livefile.mutation("files:delete_and_fail", id=storage_id)
    steps(livefile)

    assert bytes_of(livefile, storage_id) == b"kept"


def test_an_empty_file_leaves_nothing(livefile: Livefile) -> None:
    livefile.mutation("files:delete", id=store(livefile))
    steps(livefile)

    assert blob_states(livefile) == []


def test_the_next_start_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with open_storage(tmp_path, path, has_threads=False) as livefile:
        kept = store(livefile, b"kept")
        write_unfinished(livefile)
        livefile.mutation("files:delete", id=store(livefile, b"deleted"))
        assert sorted(map(str, blob_states(livefile))) == ["dropped", "stored", "uploading"]
    with open_storage(tmp_path, path, has_threads=False) as livefile:
        steps(livefile)

        assert blob_states(livefile) == ["stored"]
        assert chunks_count(livefile) == 1
        assert bytes_of(livefile, kept) == b"kept"


def test_an_upload_of_this_run_is_left_alone(livefile: Livefile) -> None:
    write_unfinished(livefile)
    livefile.mutation("files:delete", id=store(livefile, b"deleted"))
    steps(livefile)

    assert blob_states(livefile) == ["uploading"]
    assert chunks_count(livefile) == 1


def test_a_quiet_deployment_writes_nothing(livefile: Livefile) -> None:
    store(livefile, b"kept")
    steps(livefile)
    ts = livefile.latest_ts
    steps(livefile)

    assert livefile.latest_ts == ts


def test_with_threads_nobody_has_to_ask_for_it(tmp_path: Path) -> None:
    clock = ManualClock()
    with open_storage(tmp_path, clock=clock) as livefile:
        livefile.mutation(
            "files:delete", id=livefile.action("files:store", content=b"x", content_type=None)
        )
        while blob_states(livefile):
            livefile.mutation("files:upload_url")
        assert chunks_count(livefile) == 0
