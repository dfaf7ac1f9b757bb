"""Does the write-ahead log stay within its limit while readers overlap and never leave a gap?

Three threads read, each for 20 ms at a time and begun a third of that apart, or two for a whole
second, while another thread commits without a pause. The longest waits are in the note; they are
those of this machine and this moment.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from livefile.sqlite import connections
from livefile.vocabulary.errors import SnapshotExpiredError
from livefile.vocabulary.limits import WAL_PAGES_BEFORE_CHECKPOINT, WAL_SIZE_BYTES_MAX
from tests.tables import Player
from tests.torture.figure import Figure, Size
from tests.torture.scratch import disk_folder
from tests.workbench import Workbench

_PLAYERS_COUNT = 2_000
_WRITES_PER_COMMIT = 20
_COMMITS = {Size.T1: 300, Size.T2: 6_000}
# Of a change, everything is a sixteenth, so that the limit is met within seconds.
_SCALE = {Size.T1: 16, Size.T2: 1}
_READERS = ((3, 0.02), (2, 1.0))


class _Waits:
    """The longest commit, checkpoint and wait for a reader, and how many were cut off."""

    def __init__(self) -> None:
        self.commit_s = 0.0
        self.checkpoint_s = 0.0
        self.reader_s = 0.0
        self.cut_off_count = 0

    def __str__(self) -> str:
        return (
            f"longest commit {self.commit_s * 1000:.0f} ms, checkpoint "
            f"{self.checkpoint_s * 1000:.0f} ms, wait for a reader {self.reader_s * 1000:.0f} ms, "
            f"{self.cut_off_count} readers cut off"
        )


def measure(size: Size, seed: int) -> Figure:
    """Commit while readers overlap, and look at the log after each commit."""
    started = time.perf_counter()
    failures, notes = 0, []
    limit_bytes = WAL_SIZE_BYTES_MAX // _SCALE[size]
    with pytest.MonkeyPatch.context() as patch:
        pages = connections._WAL_PAGES_MAX // _SCALE[size]
        patch.setattr(connections, "_WAL_PAGES_MAX", pages)
        pages = WAL_PAGES_BEFORE_CHECKPOINT // _SCALE[size]
        patch.setattr(connections, "WAL_PAGES_BEFORE_CHECKPOINT", pages)
        for count, duration_s in _READERS:
            sizes, waits = _run(count, duration_s, _COMMITS[size], Random(seed))
            failures += sum(size_bytes > limit_bytes for size_bytes in sizes)
            largest = max(sizes) / limit_bytes
            notes.append(f"{count} readers of {duration_s} s: log {largest:.0%} of limit, {waits}")
    return Figure(
        id="L5",
        question="readers that overlap: the write-ahead log stays within its limit",
        cases=_COMMITS[size] * len(_READERS),
        cases_min=_COMMITS[size] * len(_READERS),
        failures=failures,
        duration_s=time.perf_counter() - started,
        note="; ".join(notes),
    )


def _run(
    readers_count: int, duration_s: float, commits_count: int, random: Random
) -> tuple[list[int], _Waits]:
    """Return the size of the log after each commit, and the longest waits."""
    waits, sizes = _Waits(), []
    with disk_folder() as folder, Workbench(Player, path=folder / "live.db") as bench:
        with bench.change() as db:
            ids = [db.insert(Player(name="x" * 300)) for _ in range(_PLAYERS_COUNT)]
        log = bench.database.path.with_name("live.db-wal")
        with _readers(bench, readers_count, duration_s, waits):
            for _ in range(commits_count):
                transaction = bench.head()
                for id in random.sample(ids, _WRITES_PER_COMMIT):
                    bench.writer(transaction).patch(id, score=random.randrange(1_000_000))
                bench.commit(transaction)
                _settle(bench, waits)
                sizes.append(log.stat().st_size)
    return sizes, waits


def _settle(bench: Workbench, waits: _Waits) -> None:
    committer = bench.database.committer
    started = time.perf_counter()
    assert committer.seal()
    committer.make_durable()
    committed = time.perf_counter()
    committer.conclude()
    bench.database.publish()
    committer.checkpoint_if_due()
    waits.commit_s = max(waits.commit_s, committed - started)
    waits.checkpoint_s = max(waits.checkpoint_s, time.perf_counter() - committed)


@contextmanager
def _readers(bench: Workbench, count: int, duration_s: float, waits: _Waits) -> Iterator[None]:
    """Let threads read over and over, each begun a part of a reader's time after the one before."""
    stopped = threading.Event()

    def read(delay_s: float) -> None:
        stopped.wait(delay_s)
        while not stopped.is_set():
            started = time.perf_counter()
            try:
                with bench.database.snapshot() as snapshot:
                    waits.reader_s = max(waits.reader_s, time.perf_counter() - started)
                    stopped.wait(duration_s)
                    snapshot.get(0, b"")
            except SnapshotExpiredError:
                waits.cut_off_count += 1

    threads = [
        threading.Thread(target=read, args=(number * duration_s / count,))
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
