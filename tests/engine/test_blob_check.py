from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import Livefile
from livefile.vocabulary.limits import FILE_CHUNK_SIZE_BYTES
from tests.storage_app import open_storage, store


@pytest.fixture
def livefile(tmp_path: Path) -> Iterator[Livefile]:
    """A deployment with a file of three chunks and an empty one."""
    with open_storage(tmp_path, has_threads=False) as opened:
        store(opened, bytes(2 * FILE_CHUNK_SIZE_BYTES) + b"end")
        store(opened)
        yield opened


def test_whole_files_are_no_problem(livefile: Livefile) -> None:
    assert livefile.upkeep.check() == []


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("DELETE FROM blob_chunks WHERE number = 2", "its bytes are not those of its file"),
        ("DELETE FROM blob_chunks WHERE number = 0", "its bytes are not those of its file"),
        ("DELETE FROM blob_chunks", "its bytes are not those of its file"),
        (
            "UPDATE blob_chunks SET bytes = x'656e65' WHERE number = 2",
            "its bytes are not those of its file",
        ),
        ("UPDATE blob_chunks SET number = 7 WHERE number = 2", "not those of its file"),
        ("UPDATE blob_chunks SET blob_id = x'00' WHERE number = 2", "there is no such blob"),
        ("DELETE FROM documents WHERE table_number = 2", "its file is not there"),
        ("DELETE FROM documents WHERE table_number = 5", "there is no such blob"),
        (
            "DELETE FROM index_entries WHERE index_id IN "
            "(SELECT id FROM indexes WHERE name = 'by_storage_id')",
            "it has no blob",
        ),
    ],
)
def test_damage_is_named(livefile: Livefile, damage: str, problem: str) -> None:
    livefile._database._connections.writer.execute(damage)

    assert any(problem in sentence for sentence in livefile.upkeep.check())
