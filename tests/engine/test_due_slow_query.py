"""A slow query that found the lane full runs as soon as there is room, without anybody's help."""

import importlib
import threading
from pathlib import Path

from livefile import ADMIN, Call, FunctionKind, Livefile, LivefileError, Outcome, Success
from livefile.vocabulary.limits import SLOW_FUNCTIONS_RUNNING_MAX
from tests.app_folder import write_app

APP = """
import threading

from livefile import QueryCtx, query

is_running = threading.Semaphore(0)
may_go_on = threading.Event()


@query
def echo(ctx: QueryCtx, number: float) -> float:
    is_running.release()
    # In small waits, because only between two of them can it be stopped.
    while not may_go_on.wait(0.001):
        pass
    return number
"""


def test_a_query_that_is_due_runs_when_all_others_have_landed_at_once(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"echoes": APP}, "slowechoes")
    with Livefile.open(tmp_path / "echoes.db", app=folder) as app:
        echoes = importlib.import_module("slowechoes.echoes")
        woken = threading.Semaphore(0)
        outcomes: list[Outcome | LivefileError] = []

        def submit(number: int) -> None:
            call = Call(path="echoes:echo", args={"number": float(number)}, identity=ADMIN)
            app.submit(call, FunctionKind.QUERY, outcomes.append)
            app.step()

        with app.driven_by(woken.release):
            submit(0)  # It is stopped, and put aside.
            assert echoes.is_running.acquire(timeout=30)
            for number in range(1, SLOW_FUNCTIONS_RUNNING_MAX + 1):
                submit(number)
            for _ in range(SLOW_FUNCTIONS_RUNNING_MAX):
                assert echoes.is_running.acquire(timeout=30)
            while woken.acquire(blocking=False):
                pass
            echoes.may_go_on.set()
            for _ in range(SLOW_FUNCTIONS_RUNNING_MAX):
                assert woken.acquire(timeout=30)
            app.step()  # All that ran have landed.
            is_forgotten = False
            while len(outcomes) <= SLOW_FUNCTIONS_RUNNING_MAX:
                if woken.acquire(timeout=10):
                    app.step()
                else:
                    is_forgotten = True
                    submit(-1)  # Any other work brings it about; else closing would wait for ever.

        assert not is_forgotten, "a query is due, and nobody asks for a step"
        found = [outcome.json for outcome in outcomes if isinstance(outcome, Success)]
        assert {b"0.0", b"1.0", b"2.0"} <= set(found)
