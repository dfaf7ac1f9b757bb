"""How fast do files come in and go out, what memory does that take, and what do others notice?

Files of each size are uploaded to a server, downloaded and deleted, one after the other. Meanwhile
somebody else writes a small document again and again; how long that takes is printed beside how
long it takes when nothing else happens. Memory and the write-ahead log are looked at every few
milliseconds, their largest sizes are printed.

The floors have no server: a plain file that is written and flushed, and the same chunks written by
SQLite alone, a commit for each, with the log moved into the file as often as Livefile does. Run:
``python -m benchmarks.files``; ``--megabytes 1 100`` for other sizes.
"""

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import apsw

from benchmarks.measurement import percentile, rounded
from benchmarks.server_under_test import ServerProcess, free_port, serve_command
from benchmarks.workload import PUT
from livefile import limits

_MB = 1_000_000
_PIECE = os.urandom(_MB)
_POLL_S = 0.005
_ALONE_S = 3.0
_TIMEOUT_S = 600.0


class Onlooker:
    """Somebody who writes all the time, and looks at the server's memory and log in between."""

    def __init__(self, server: ServerProcess, database: Path) -> None:
        self._server = server
        self._log = database.with_name(database.name + "-wal")
        self.begin()
        self._is_ending = threading.Event()
        self._threads = [threading.Thread(target=it) for it in (self._write, self._look)]
        for thread in self._threads:
            thread.start()

    def begin(self) -> None:
        """Forget what was seen."""
        self.durations_ms: list[float] = []
        self.memory_mb_max = self.log_mb_max = 0.0

    def end(self) -> None:
        """Stop."""
        self._is_ending.set()
        for thread in self._threads:
            thread.join()

    def seen(self) -> str:
        """Return what was seen since ``begin``."""
        durations = self.durations_ms
        return (
            f"write_ms_median={rounded(percentile(durations, 50))} "
            f"write_ms_p99={rounded(percentile(durations, 99))} "
            f"write_ms_max={rounded(max(durations))} "
            f"memory_mb_max={rounded(self.memory_mb_max)} log_mb_max={rounded(self.log_mb_max)}"
        )

    def _write(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=_TIMEOUT_S)
        number = 0
        while not self._is_ending.is_set():
            number += 1
            started_s = time.perf_counter()
            _call(connection, "mutation", PUT.decode(), {"place": number % 100, "amount": number})
            self.durations_ms.append((time.perf_counter() - started_s) * 1e3)
        connection.close()

    def _look(self) -> None:
        while not self._is_ending.wait(_POLL_S):
            self.memory_mb_max = max(self.memory_mb_max, self._server.memory_mb())
            self.log_mb_max = max(self.log_mb_max, self._log.stat().st_size / _MB)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[1, 100, 1000])
    sizes_mb: list[int] = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory(prefix="livefile-bench-") as name:
        folder, port = Path(name), free_port()
        for size_mb in sizes_mb:
            for floor in (_write_file, _write_blobs):
                duration_s = floor(folder / "floor", size_mb)
                print(f"{floor.__name__[1:]} size_mb={size_mb} {_speed(size_mb, duration_s)}")
        database = folder / "bench.db"
        server = ServerProcess(serve_command(database, port), port, folder / "output")
        onlooker = Onlooker(server, database)
        try:
            time.sleep(_ALONE_S)
            print(f"nothing_else {onlooker.seen()}")
            for size_mb in sizes_mb:
                _measure(port, onlooker, size_mb)
        finally:
            onlooker.end()
            server.stop()


def _measure(port: int, onlooker: Onlooker, size_mb: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    target = urlsplit(str(_call(connection, "mutation", "files:generate_upload_url", {})))
    headers = {"Content-Length": str(size_mb * _MB), "Content-Type": "image/png"}

    onlooker.begin()
    started_s = time.perf_counter()
    connection.request("POST", f"{target.path}?{target.query}", _pieces(size_mb), headers)
    storage_id = json.loads(connection.getresponse().read())["storageId"]
    speed = _speed(size_mb, time.perf_counter() - started_s)
    print(f"upload size_mb={size_mb} {speed} {onlooker.seen()}")

    address = urlsplit(str(_call(connection, "query", "files:url", {"id": storage_id})))
    onlooker.begin()
    started_s = time.perf_counter()
    connection.request("GET", address.path)
    response = connection.getresponse()
    received = 0
    while piece := response.read(_MB):
        received += len(piece)
    assert received == size_mb * _MB
    speed = _speed(size_mb, time.perf_counter() - started_s)
    print(f"download size_mb={size_mb} {speed} {onlooker.seen()}")

    onlooker.begin()
    _call(connection, "mutation", "files:remove", {"id": storage_id})
    time.sleep(1 + size_mb / 200)  # Of the bytes, behind the answer.
    print(f"delete size_mb={size_mb} {onlooker.seen()}")
    connection.close()


def _call(connection: http.client.HTTPConnection, kind: str, path: str, args: object) -> object:
    body = json.dumps({"path": path, "args": args, "format": "json"})
    connection.request("POST", f"/api/{kind}", body, {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    assert answer.get("status") == "success", answer
    return answer["value"]


def _pieces(size_mb: int) -> Iterator[bytes]:
    for _ in range(size_mb):
        yield _PIECE


def _write_file(path: Path, size_mb: int) -> float:
    started_s = time.perf_counter()
    with path.open("wb") as file:
        for piece in _pieces(size_mb):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    duration_s = time.perf_counter() - started_s
    path.unlink()
    return duration_s


def _write_blobs(path: Path, size_mb: int) -> float:
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("wal_autocheckpoint", limits.WAL_PAGES_BEFORE_CHECKPOINT)
    connection.execute("CREATE TABLE chunks (number INTEGER PRIMARY KEY, bytes BLOB)")
    chunk = _PIECE[: limits.FILE_CHUNK_SIZE_BYTES]
    started_s = time.perf_counter()
    for number in range(-(-size_mb * _MB // len(chunk))):
        connection.execute("INSERT INTO chunks VALUES (?, ?)", (number, chunk))
    duration_s = time.perf_counter() - started_s
    connection.close()
    path.unlink()
    return duration_s


def _speed(size_mb: int, duration_s: float) -> str:
    return f"mb_per_s={rounded(size_mb / duration_s)}"


if __name__ == "__main__":
    main()
