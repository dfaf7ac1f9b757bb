"""Closing while an action does not end: whoever closes waits for a bounded time."""

import logging
from pathlib import Path
from threading import Thread

import pytest

from livefile import App, Call, FunctionKind, Livefile
from tests.app_folder import write_app

WAIT_S = 30

STUBBORN = """
    import asyncio
    import threading
    from livefile import *

    is_there, may_end, has_ended = threading.Event(), threading.Event(), threading.Event()

    @action
    async def block(ctx: ActionCtx) -> None:
        is_there.set()
        may_end.wait()
        has_ended.set()

    @action
    async def go_on(ctx: ActionCtx) -> None:
        is_there.set()
        while not may_end.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                pass
        has_ended.set()
"""


@pytest.mark.parametrize("name", ["block", "go_on"])
def test_closing_leaves_an_action_behind_that_does_not_end(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App.load(write_app(tmp_path, {"stubborn": STUBBORN}))
    names = app.functions[f"stubborn:{name}"].body.__globals__
    livefile = Livefile.open(":memory:", app=app)
    livefile.submit(Call(path=f"stubborn:{name}", args={}), FunctionKind.ACTION, lambda _: None)
    assert names["is_there"].wait(WAIT_S)
    closing = Thread(target=livefile.close, daemon=True)

    with caplog.at_level(logging.WARNING, "livefile"):
        closing.start()
        closing.join(WAIT_S)

    assert not closing.is_alive()
    assert "1 actions go on after they were cancelled" in caplog.text
    assert not names["has_ended"].is_set()
    names["may_end"].set()
    assert names["has_ended"].wait(WAIT_S)
