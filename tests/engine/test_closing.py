"""How a deployment ends: on purpose, with work in flight, and by a failing disk."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from livefile import (
    App,
    Call,
    ClosedError,
    FunctionKind,
    Livefile,
    LivefileError,
    Outcome,
    StorageFailedError,
)
from tests.app_folder import write_app
from tests.stepped_app import value_of, values

TILL = """
    import threading
    from livefile import *

    class Coin(Table, name="coins"):
        worth: int

    is_blocking, may_go_on = threading.Event(), threading.Event()

    @mutation
    def put(ctx: MutationCtx, worth: int = 1) -> Id[Coin]:
        return ctx.db.insert(Coin(worth=worth))

    @query
    def total(ctx: QueryCtx) -> int:
        return sum(coin.worth for coin in ctx.db.query(Coin))

    @action
    async def act(ctx: ActionCtx) -> None: ...

    @mutation
    def block(ctx: MutationCtx) -> str:
        is_blocking.set()
        may_go_on.wait()
        return "done"
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App.load(write_app(tmp_path / "code", {"till": TILL}))


def test_every_call_after_the_end_says_that_it_is_closed(app: App) -> None:
    livefile = Livefile.open(":memory:", app)
    query_set = livefile.open_query_set(lambda update: None)
    call = Call(path="till:total", args={})
    livefile.close()
    calls: list[Callable[[], object]] = [
        lambda: livefile.query("till:total"),
        lambda: livefile.mutation("till:put"),
        lambda: livefile.mutation_on_snapshot("till:put"),
        lambda: livefile.action("till:act"),
        lambda: livefile.watch("till:total"),
        lambda: livefile.deploy(app),
        lambda: livefile.read_setting("a"),
        lambda: livefile.write_setting("a", b""),
        lambda: livefile.submit(call, FunctionKind.QUERY, print),
        lambda: livefile.submit(call, None, print),
        lambda: livefile.submit_at(call, 1, print),
        lambda: livefile.submit_batch([call], print),
    ]
    for late in calls:
        with pytest.raises(ClosedError):
            late()
    query_set.require(1)
    query_set.close()
    livefile.close()


def test_what_was_accepted_is_finished_before_the_end(app: App, tmp_path: Path) -> None:
    livefile = Livefile.open(tmp_path / "till.db", app)
    names = app.functions["till:block"].body.__globals__
    answers: list[Outcome | LivefileError] = []
    call = Call(path="till:put", args=values({"worth": 1}))
    failures: list[Exception] = []
    livefile.failed = failures.append
    query_set = livefile.open_query_set(lambda update: None)
    block = Call(path="till:block", args={})
    livefile.submit(block, FunctionKind.MUTATION, answers.append, query_set)
    names["is_blocking"].wait()
    for _ in range(3):
        livefile.submit(call, FunctionKind.MUTATION, answers.append, query_set)
    closing = Thread(target=livefile.close)
    closing.start()
    while not livefile._requests.is_closed:
        pass
    names["may_go_on"].set()
    closing.join()

    assert failures == []
    assert [value_of(answer) for answer in answers[:1]] == ["done"]
    assert len(answers) == 4
    with Livefile.open(tmp_path / "till.db", app) as again:
        assert again.query("till:total") == 3


def test_a_storage_failure_is_told_once_and_ends_every_wait(tmp_path: Path, app: App) -> None:
    livefile = Livefile.open(tmp_path / "till.db", app)
    failures: list[Exception] = []
    failed = Event()

    def note(error: Exception) -> None:
        failures.append(error)
        failed.set()

    livefile.failed = note
    livefile.mutation("till:put")
    livefile._database._connections.writer.set_commit_hook(lambda: True)  # No commit succeeds.
    with pytest.raises(StorageFailedError):
        livefile.mutation("till:put")
    failed.wait()
    with pytest.raises(LivefileError):
        livefile.mutation("till:put")
    livefile.close()

    assert [type(error) for error in failures] == [StorageFailedError]
    with Livefile.open(tmp_path / "till.db", app) as again:
        assert again.query("till:total") == 1
