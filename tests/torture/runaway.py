"""Is a function that never ends, or that takes too much, stopped while others are served?

A real server runs one runaway function after another; meanwhile a second client writes and reads,
and keeps its latency. Each function has its own end: stopped at the limit, refused with a text
that says why, or, if it is a call into C that nobody can stop, over by itself. After each the
server must answer, and nothing of a stopped mutation may be there.

What freezes the whole process for good is not here but in ``frozen.py``.
"""

import http.client
import json
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from livefile import limits
from tests.acceptance.server_process import ServerProcess
from tests.torture.figure import Figure, Size
from tests.torture.scratch import scratch_folder

RUNAWAY_APP = Path(__file__).parent / "runaway_app"
_ROUNDS = {Size.T1: 1, Size.T2: 10}
_TIMEOUT_S = 60
_BREAK_S = 0.005

STOPPED = f"timed out (maximum duration: {limits.FUNCTION_DURATION_MS_MAX // 1000}s)"


@dataclass(frozen=True, slots=True)
class Runaway:
    """A function and the ends that it may have: parts of the error's text, None for a result."""

    path: str
    ends: Sequence[str | None]

    @property
    def is_mutation(self) -> bool:
        """Whether it leaves a mark before it runs away."""
        return ":mark" in self.path


RUNAWAYS = (
    Runaway("endless:loop", [STOPPED]),
    Runaway("endless:loop_over_errors", [STOPPED]),
    Runaway("endless:loop_over_everything", [STOPPED]),
    Runaway("endless:count_up", [STOPPED]),
    Runaway("endless:read_for_ever", [STOPPED, "Too many reads"]),
    Runaway("endless:take_for_ever", [STOPPED, "Too many reads"]),
    Runaway("endless:print_for_ever", [STOPPED]),
    Runaway("endless:sort_slowly", [STOPPED, None]),  # In time on a fast machine.
    Runaway("endless:mark_and_loop", [STOPPED]),
    Runaway("endless:mark_and_loop_over_errors", [STOPPED, "Too many writes"]),
    Runaway("endless:mark_for_ever", [STOPPED, "Too many writes"]),
    Runaway("endless:mark_and_count_up", [STOPPED]),
    Runaway("hogs:recurse", [STOPPED, "RecursionError"]),
    Runaway("hogs:return_much", [STOPPED, "return value is too large"]),
    Runaway("hogs:sleep", ["SealedError"]),
    Runaway("hogs:mark_and_recurse", [STOPPED, "RecursionError"]),
    Runaway("hogs:mark_and_return_much", [STOPPED, "return value is too large"]),
    Runaway("hogs:mark_and_sleep", ["SealedError"]),
    # Calls into C: nobody can stop them, so they end by themselves, and then as is their luck.
    Runaway("hogs:hold_list", [STOPPED, None]),
    Runaway("hogs:hold_text", [STOPPED, None]),
    Runaway("hogs:raise_number", [STOPPED, None]),
    Runaway("hogs:match_long", [STOPPED, None]),
)


class Bystander:
    """A client that writes and reads all the time, each when the one before was answered."""

    def __init__(self, port: int) -> None:
        self.latencies_ms: list[float] = []
        self.failures: list[str] = []
        self._port = port
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bystander")

    @contextmanager
    def present(self) -> Iterator["Bystander"]:
        """Ask as long as the block lasts."""
        self._thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            self._thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)
        number = 0
        try:
            while not self.latencies_ms or not self._is_over.wait(_BREAK_S):
                number = (number + 1) % 1_000
                started = time.perf_counter()
                self._touch(connection, number)
                self.latencies_ms.append((time.perf_counter() - started) * 1e3)
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"a bystander got {error!r}")
        finally:
            connection.close()

    def _touch(self, connection: http.client.HTTPConnection, number: int) -> None:
        body = json.dumps({"path": "probe:touch", "args": {"number": number}, "format": "json"})
        connection.request("POST", "/api/mutation", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        if answer != {"status": "success", "value": number}:
            self.failures.append(f"a bystander got {answer}")


def measure(size: Size, seed: int) -> Figure:
    """Run every runaway function, once or ten times, beside a client that goes on."""
    started = time.perf_counter()
    failures: list[str] = []
    slowest: list[tuple[float, str]] = []
    with serve_runaways() as server:
        for _ in range(_ROUNDS[size]):
            for runaway in RUNAWAYS:
                with Bystander(server.port).present() as bystander:
                    failures += run_away(server, runaway)
                failures += bystander.failures
                slowest.append((max(bystander.latencies_ms), runaway.path))
        server.stop()
    longest_ms, path = max(slowest)
    latencies = sorted(latency for latency, _ in slowest)
    return Figure(
        id="H9",
        question="runaway functions: stopped at the limit, others are served, nothing is written",
        cases=_ROUNDS[size] * len(RUNAWAYS),
        cases_min=len(RUNAWAYS),
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join(failures[:3])
        or f"others waited {latencies[len(latencies) // 2]:.0f} ms at most in half of the cases, "
        f"{longest_ms:.0f} ms beside {path}",
    )


def run_away(server: ServerProcess, runaway: Runaway) -> list[str]:
    """Run one function; return what is wrong with its end."""
    kind = "mutation" if runaway.is_mutation else "query"
    args = {"name": runaway.path} if runaway.is_mutation else {}
    status, answer = server.post(
        f"/api/{kind}", {"path": runaway.path, "args": args, "format": "json"}
    )
    is_error = answer.get("status") == "error"
    text = answer["errorMessage"] if is_error else None
    wrong = []
    if status != 200 or not any(is_end(text, end) for end in runaway.ends):
        wrong.append(f"{runaway.path} ended with {status}: {str(text)[:200]}")
    marks = server.query("probe:marks", {"name": runaway.path})
    if marks:
        wrong.append(f"{runaway.path} was stopped, but left {marks} marks")
    return wrong


def is_end(text: str | None, end: str | None) -> bool:
    """Tell whether an error's text, None for a result, is this end."""
    return text is None if end is None else text is not None and end in text


@contextmanager
def serve_runaways() -> Iterator[ServerProcess]:
    """Serve the app from a copy, with its rows, and lend the process."""
    with scratch_folder() as folder:
        app = folder / "runaways"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(RUNAWAY_APP, app / RUNAWAY_APP.name, ignore=ignored)
        with ServerProcess(app, folder) as server:
            server.mutation("probe:fill", {})
            yield server
