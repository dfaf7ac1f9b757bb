"""Snapshots that are none, are damaged or are made to harm: refused before they cost anything."""

import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from livefile import ImportFileError
from livefile.archive.snapshot_file import SnapshotFile
from livefile.vocabulary.limits import (
    IMPORT_LINE_SIZE_BYTES_MAX,
    ZIP_DIRECTORY_SIZE_BYTES_MAX,
    ZIP_UNPACKED_FREE_SIZE_BYTES,
)
from tests.snapshot_zip import NOTES, document_id, write_snapshot

LINE = f'{{"_creationTime":1.0,"_id":"{document_id(NOTES, 1)}"}}'
TABLES = '{"name":"notes","id":10001}\n'
MEMORY_BYTES_MAX = 64 << 20


def entries(path: Path, *named: tuple[str | zipfile.ZipInfo, bytes | str]) -> Path:
    """Write a ZIP file with these entries, doubles included."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in named:
            file.writestr(name, data)
    return path


def read(path: Path, *, is_trusted: bool = False) -> int:
    """Read a whole snapshot and return how many documents it has."""
    with SnapshotFile(path, is_trusted=is_trusted) as snapshot:
        return sum(1 for _ in snapshot.rows())


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o120777 << 16
    return entry


def packed_by(method: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("notes/documents.jsonl")
    entry.compress_type = method
    return entry


def lines_bomb(path: Path) -> Path:
    """Write documents that are 300 times as large as the file: harmless, but large."""
    line = LINE.replace("}", f',"text":"{"x" * 900_000}"}}') + "\n"
    return entries(path, ("_tables/documents.jsonl", TABLES), ("notes/documents.jsonl", line * 30))


def overlapping(path: Path) -> Path:
    """Let a second entry of the directory lead to the bytes of the first."""
    first, second = ("notes/documents.jsonl", "other/documents.jsonl")
    entries(path, ("_tables/documents.jsonl", TABLES), (first, LINE), (second, LINE))
    with zipfile.ZipFile(path) as file:
        target, moved = file.getinfo(first).header_offset, file.getinfo(second)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    assert struct.unpack_from("<L", data, at + 42)[0] == moved.header_offset
    struct.pack_into("<L", data, at + 42, target)
    path.write_bytes(data)
    return path


def directory(path: Path, size_bytes: int) -> Path:
    """Write a directory of tiny entries that is at least so large."""
    form = struct.Struct("<4s6H3L5H2L")
    count = size_bytes // (form.size + 6) + 1
    data = b"".join(
        form.pack(b"PK\x01\x02", *[0] * 6, 0, 0, 0, 6, *[0] * 4, 0, 0) + b"%06d" % number
        for number in range(count)
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(data), 0, 0)
    path.write_bytes(data + end)
    return path


def crowded(path: Path) -> Path:
    return directory(path, ZIP_DIRECTORY_SIZE_BYTES_MAX + 1)


def crowded_64(path: Path) -> Path:
    """Do the same in the form for large files, whose size is elsewhere."""
    size = ZIP_DIRECTORY_SIZE_BYTES_MAX + 1
    end_64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**7, 10**7, size, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, size, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(b"\0" * size + end_64 + locator + end)
    return path


def zeros(path: Path) -> Path:
    return entries(
        path,
        ("_tables/documents.jsonl", TABLES),
        ("notes/documents.jsonl", b"0" * (2 * ZIP_UNPACKED_FREE_SIZE_BYTES)),
    )


def nested(path: Path) -> Path:
    inner = zeros(path.with_name("inner.zip")).read_bytes()
    return entries(path, ("_tables/documents.jsonl", TABLES), ("notes/documents.jsonl", inner))


def cut(path: Path) -> Path:
    write_snapshot(path, {"notes": NOTES}, {"notes": [LINE]})
    path.write_bytes(path.read_bytes()[:-10])
    return path


def flipped(path: Path) -> Path:
    write_snapshot(path, {"notes": NOTES}, {"notes": [LINE] * 100})
    data = bytearray(path.read_bytes())
    at = data.index(b"notes/documents.jsonl") + 60
    data[at] ^= 0xFF
    path.write_bytes(data)
    return path


def text(path: Path) -> Path:
    path.write_text("no archive" * 100)
    return path


def of(*named: tuple[str | zipfile.ZipInfo, bytes | str]) -> Callable[[Path], Path]:
    return lambda path: entries(path, ("_tables/documents.jsonl", TABLES), *named)


BAD: list[tuple[str, Callable[[Path], Path], str]] = [
    ("text", text, "no end of a directory"),
    ("cut", cut, "ZIP"),
    ("flipped", flipped, "damaged|Invalid JSON|no ZIP"),
    ("no tables", lambda path: entries(path, ("notes/documents.jsonl", LINE)), "no entry _tables"),
    ("crowded", crowded, "its directory has"),
    ("crowded 64", crowded_64, "its directory has"),
    ("zeros", zeros, "want at most 200 times"),
    ("many bytes", lines_bomb, "want at most 200 times"),
    ("nested", nested, "Invalid JSON|longer than"),
    ("overlapping", overlapping, "overlaps another"),
    ("twice", of(("a", "1"), ("a", "2")), "it comes twice"),
    ("up", of(("../../etc/passwd", "1")), "leads nowhere else"),
    ("absolute", of(("/etc/passwd", "1")), "leads nowhere else"),
    ("windows", of(("a\\..\\b", "1")), "leads nowhere else"),
    ("link", of((link("notes/documents.jsonl"), "/etc/passwd")), "a link"),
    ("bzip2", of((packed_by(zipfile.ZIP_BZIP2), LINE)), "packed by method 12"),
    (
        "table twice",
        lambda path: entries(path, ("_tables/documents.jsonl", TABLES * 2)),
        "comes twice",
    ),
    (
        "table nowhere",
        lambda path: entries(path, ("_tables/documents.jsonl", '{"name":"../x","id":10001}')),
        "an identifier starts with",
    ),
    (
        "table number",
        lambda path: entries(path, ("_tables/documents.jsonl", '{"name":"x","id":1e300}')),
        "has the number 1e",
    ),
    (
        "table form",
        lambda path: entries(path, ("_tables/documents.jsonl", '{"name":"x"}')),
        'want {"name": ..., "id": ...}',
    ),
]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("make", "wanted"), [bad[1:] for bad in BAD], ids=[it[0] for it in BAD])
def test_a_bad_snapshot_is_refused_and_costs_little(
    tmp_path: Path, make: Callable[[Path], Path], wanted: str
) -> None:
    path = make(tmp_path / "bad.zip")

    tracemalloc.start()
    with pytest.raises(ImportFileError, match=wanted):
        read(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < MEMORY_BYTES_MAX


def test_a_large_snapshot_is_read_if_it_is_trusted(tmp_path: Path) -> None:
    assert read(lines_bomb(tmp_path / "large.zip"), is_trusted=True) == 30


def test_a_line_that_never_ends_is_refused_though_trusted(tmp_path: Path) -> None:
    assert 2 * ZIP_UNPACKED_FREE_SIZE_BYTES > IMPORT_LINE_SIZE_BYTES_MAX
    with pytest.raises(ImportFileError, match="longer than"):
        read(zeros(tmp_path / "zeros.zip"), is_trusted=True)


def test_a_directory_is_held_in_at_most_sixteen_times_its_size(tmp_path: Path) -> None:
    path = directory(tmp_path / "full.zip", ZIP_DIRECTORY_SIZE_BYTES_MAX // 8)

    tracemalloc.start()
    with pytest.raises(ImportFileError, match="overlaps another"):
        read(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < MEMORY_BYTES_MAX // 8
