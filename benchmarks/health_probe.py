"""A process that asks a server for its version again and again, and says how long it had to wait.

It stands beside the load, because a load generator that is busy would see stalls of its own. It
prints the waits in milliseconds, one a line, once its input is closed.
Run: ``python -m benchmarks.health_probe PORT``.
"""

import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.server_under_test import ROOT

_REQUEST = b"GET /version HTTP/1.1\r\nHost: bench\r\n\r\n"
_INTERVAL_S = 0.005


@contextmanager
def health_probe(port: int) -> Iterator[list[float]]:
    """Probe while the block runs; the waits are in the list when it is left."""
    waits_ms: list[float] = []
    command = [sys.executable, "-m", "benchmarks.health_probe", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()  # It has had its first answer.
    try:
        yield waits_ms
    finally:
        output, _ = process.communicate()
        waits_ms += map(float, output.split())


def _probe(port: int) -> None:
    waits_ms = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not select.select([sys.stdin], [], [], _INTERVAL_S)[0]:
            started_s = time.perf_counter()
            connection.sendall(_REQUEST)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
                raise RuntimeError("the server does not answer its health probe")
            waits_ms.append((time.perf_counter() - started_s) * 1e3)
            if len(waits_ms) == 1:
                print("ready", flush=True)
    print("\n".join(map(str, waits_ms)))


if __name__ == "__main__":
    _probe(int(sys.argv[1]))
