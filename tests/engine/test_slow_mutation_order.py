"""The mutations of a session keep their order, also behind one that runs in the slow lane."""

import importlib
import threading
from pathlib import Path

from livefile import ADMIN, Call, FunctionKind, Livefile, LivefileError, Outcome, RequestKey
from tests.app_folder import write_app

APP = """
import threading

from livefile import MutationCtx, QueryCtx, Table, mutation, query

is_running = threading.Semaphore(0)
may_go_on = threading.Event()


class Word(Table, name="words"):
    text: str


@mutation
def say(ctx: MutationCtx, text: str) -> None:
    ctx.db.insert(Word(text=text))


@mutation
def say_slowly(ctx: MutationCtx, text: str) -> None:
    is_running.release()
    # In small waits, because only between two of them can it be stopped.
    while not may_go_on.wait(0.001):
        pass
    ctx.db.insert(Word(text=text))


@query
def said(ctx: QueryCtx) -> list[str]:
    return [word.text for word in ctx.db.query(Word).collect()]
"""


def test_what_comes_while_a_slow_one_is_committed_does_not_overtake(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"words": APP}, "slowwords")
    with Livefile.open(tmp_path / "words.db", app=folder) as app:
        words = importlib.import_module("slowwords.words")
        is_woken = threading.Event()
        outcomes: list[Outcome | LivefileError] = []

        def submit(number: int, function: str) -> None:
            key = RequestKey(session_id="session", request_number=number)
            args = {"text": str(number)}
            call = Call(path=f"words:{function}", args=args, identity=ADMIN, request_key=key)
            app.submit(call, FunctionKind.MUTATION, outcomes.append)

        def step_when_woken() -> None:
            assert is_woken.wait(30)
            is_woken.clear()
            app.step()

        with app.driven_by(is_woken.set):
            submit(1, "say_slowly")
            step_when_woken()  # It is stopped, and put aside.
            for _ in ("on this thread", "in the lane"):
                assert words.is_running.acquire(timeout=30)
            submit(2, "say")
            step_when_woken()  # It waits for the first.
            words.may_go_on.set()
            step_when_woken()  # The first is on its way to the disk.
            submit(3, "say")
            while len(outcomes) < 3:
                step_when_woken()

        assert app.query("words:said") == ["1", "2", "3"]
