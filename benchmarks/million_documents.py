"""How fast is a start on a file with a million documents, and reading ten of them by an index?

``start_up`` is from the command to the first answer. ``take`` reads the ten readings from a place
on over HTTP, another place each time, so no result is in the cache; 64 connections in a closed
loop. The file is made once, which takes one or two minutes, and kept in the folder for temporary
files; every run works on a copy. Run: ``python -m benchmarks.million_documents``.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from random import Random

import livefile
from benchmarks.floor import floor_http, floor_server
from benchmarks.http_caller import caller, http_closed_loop
from benchmarks.load import Loader
from benchmarks.measurement import Case, Target
from benchmarks.question import print_question
from benchmarks.server_under_test import (
    BENCH_APP,
    ServerProcess,
    free_port,
    measure_start,
    serve_command,
)
from benchmarks.workload import ACCOUNTS_COUNT, QUERY_ROUTE
from livefile import Livefile

DOCUMENTS_COUNT = 1_000_000
DURATION_MS_MAX = 500
CPU_US_MAX = 150
_PLACE_STEP = 10
_DOCUMENTS_PER_FILL = 8_000


@contextmanager
def million_documents(load: Loader) -> Iterator[Sequence[Case]]:
    """Serve a copy of the file, and lend the cases and the floor."""
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name, floor_server() as bare:
        started, served = Path(name) / "started.db", Path(name) / "served.db"
        for copy in (started, served):
            shutil.copyfile(million_file(), copy)
        port = free_port()
        server = ServerProcess(serve_command(served, port), port, Path(name) / "output")
        try:
            yield _cases(load, bare, server, started)
        finally:
            server.stop()


def million_file() -> Path:
    """Return a closed file with a million readings; make it if there is none."""
    definition = Path(livefile.__file__).parent / "sqlite" / "ddl.sql"
    schema = BENCH_APP / "schema.py"
    version = sha256(definition.read_bytes() + schema.read_bytes()).hexdigest()[:12]
    file = Path(tempfile.gettempdir()) / f"livefile-bench-million-{version}.db"
    if not file.exists():
        with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
            unfinished = Path(name) / "million.db"
            _fill(unfinished)
            shutil.move(unfinished, file)
    return file


def _fill(file: Path) -> None:
    with Livefile.open(file, BENCH_APP, has_threads=False) as deployment:
        for start in range(0, DOCUMENTS_COUNT, _DOCUMENTS_PER_FILL):
            end = min(start + _DOCUMENTS_PER_FILL, DOCUMENTS_COUNT)
            deployment.mutation("readings:fill", start=start, end=end, step=_PLACE_STEP)


def _cases(
    load: Loader, bare: ServerProcess, server: ServerProcess, started: Path
) -> Sequence[Case]:
    names = [b'{"start":"account-%d"}' % number for number in range(ACCOUNTS_COUNT)]
    floor = floor_http(load, bare, "take", cycle(names))
    take = caller(QUERY_ROUTE, b"readings:first_ten", _starts())
    return [
        floor,
        Case(
            name="million_documents",
            parameters={"do": "take"},
            measure=partial(http_closed_loop, load, server, take),
            targets=[Target("cpu_us", CPU_US_MAX)],
            floor=floor.title,
        ),
        Case(
            name="million_documents",
            parameters={"do": "start_up"},
            measure=partial(measure_start, started),
            targets=[Target("duration_ms", DURATION_MS_MAX)],
        ),
    ]


def _starts() -> Iterator[bytes]:
    random = Random(1)
    while True:
        yield b'{"start":%d}' % random.randrange((DOCUMENTS_COUNT - 10) * _PLACE_STEP)


if __name__ == "__main__":
    print_question(million_documents)
