"""If a function freezes the whole process, does the process end and serve again?

A call into C that holds the interpreter's lock, or a function that catches whatever stops it on
the engine's own thread, leaves no line of Python for the server to act in. Then a timer of the
interpreter, which needs none, ends the process and writes where it stood; whoever watches over
the process starts another. What was answered before is there afterwards.
"""

import time
from http.client import HTTPException

from tests.acceptance.server_process import ServerProcess
from tests.torture.figure import Figure, Size
from tests.torture.runaway import serve_runaways

FREEZERS = ("hogs:match_for_ever", "hogs:loop_and_catch_all")
_ROUNDS = {Size.T1: 1, Size.T2: 10}
_SOURCE = "hogs.py"


def measure(size: Size, seed: int) -> Figure:
    """Freeze a server with each function, once or ten times, and start it again."""
    started = time.perf_counter()
    failures: list[str] = []
    durations_s: list[float] = []
    with serve_runaways() as server:
        for number in range(_ROUNDS[size]):
            for path in FREEZERS:
                name = f"{path} {number}"
                server.mutation("probe:mark", {"name": name})
                froze = time.perf_counter()
                failures += _freeze(server, path)
                durations_s.append(time.perf_counter() - froze)
                if server.query("probe:marks", {"name": name}) != 1:
                    failures.append(f"{path}: what was answered before is gone")
        server.stop()
    return Figure(
        id="H9-freeze",
        question="frozen process: it ends with its stack, serves again, nothing answered is lost",
        cases=_ROUNDS[size] * len(FREEZERS),
        cases_min=len(FREEZERS),
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join(failures[:3])
        or f"from the call until it served again: {max(durations_s):.1f} s at most",
    )


def _freeze(server: ServerProcess, path: str) -> list[str]:
    """Call a function that freezes the process, and start another; return what is wrong."""
    printed_before = len(server.read_output())
    wrong = []
    try:
        answer = server.post("/api/query", {"path": path, "args": {}, "format": "json"})
    except (OSError, HTTPException):
        pass  # The process ended, as it should.
    else:
        wrong.append(f"{path} was answered with {answer}")
    code = server.wait_for_end()
    if code == 0:
        wrong.append(f"{path}: the process ended as if nothing were wrong")
    if _SOURCE not in server.read_output()[printed_before:]:
        wrong.append(f"{path}: the process did not say where it stood")
    server.start()
    return wrong
