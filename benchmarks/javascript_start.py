"""How soon does the first function in TypeScript answer, and how much memory does it take?

A server on a file with pushed code is started; the clock of ``first_call_ms`` starts when it
answers ``GET /version``, and the function is called at once. ``host_rss_mb`` is the memory of each
process of JavaScript then, ``host_pss_mb`` the same with shared memory counted by shares. Run:
``python -m benchmarks.javascript_start``.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.javascript_server import first_answer, pushed_folder, start_javascript_server
from benchmarks.load import Loader
from benchmarks.measurement import Case, Sample, Target
from benchmarks.question import print_question

FIRST_CALL_MS_MAX = 300


@contextmanager
def javascript_start(load: Loader) -> Iterator[Sequence[Case]]:
    """Make a file with pushed code, and lend the case."""
    with pushed_folder() as folder:
        yield [
            Case(
                name="javascript_start",
                measure=partial(_measure, load, folder),
                targets=[Target("first_call_ms", FIRST_CALL_MS_MAX)],
            )
        ]


def _measure(load: Loader, folder: Path) -> Sample:
    started_s = time.perf_counter()
    server = start_javascript_server(folder)
    try:
        listens_s = time.perf_counter()
        load.run(partial(first_answer, load, server.port))
        answered_s = time.perf_counter()
        memory = server.host_memory_mb()
        return {
            "first_call_ms": [(answered_s - listens_s) * 1e3],
            "from_start_ms": [(answered_s - started_s) * 1e3],
            "server_rss_mb": [server.memory_mb()],
            "host_rss_mb": [rss for rss, _ in memory],
            "host_pss_mb": [pss for _, pss in memory],
        }
    finally:
        server.stop()


if __name__ == "__main__":
    print_question(javascript_start)
