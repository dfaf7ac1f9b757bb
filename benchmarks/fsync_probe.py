"""How long does this machine take to make a small write durable?

Every durable figure stands on this one, so it is printed beside them: 200 writes of 4 KiB, each
followed by ``fdatasync``, appended to a file in the folder for temporary files (set TMPDIR to
choose another disk). Run: ``python -m benchmarks.fsync_probe``.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample
from benchmarks.question import print_question

WRITES_COUNT = 200
_PAGE = bytes(4096)


@contextmanager
def fsync_probe(_: Loader) -> Iterator[Sequence[Case]]:
    """Lend the one case."""
    yield [Case(name="fsync_probe", parameters={"writes": WRITES_COUNT}, measure=_measure)]


def _measure() -> Sample:
    latencies_us = []
    with tempfile.NamedTemporaryFile(prefix="livefile-bench-") as file:
        for _ in range(WRITES_COUNT):
            started_s = time.perf_counter()
            os.write(file.fileno(), _PAGE)
            os.fdatasync(file.fileno())
            latencies_us.append((time.perf_counter() - started_s) * 1e6)
    return {"latency_us": latencies_us}


if __name__ == "__main__":
    print_question(fsync_probe)
