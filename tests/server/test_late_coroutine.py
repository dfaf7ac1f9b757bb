"""A coroutine that is made when it begins, and not before."""

import asyncio
import gc
import warnings

import pytest

from livefile_server.web.late_coroutine import LateCoroutine


async def answer(given: list[str]) -> str:
    given.append("begun")
    await asyncio.sleep(0)
    return "done"


def test_it_does_what_the_coroutine_does() -> None:
    given: list[str] = []

    assert asyncio.run(LateCoroutine(lambda: answer(given))) == "done"
    assert given == ["begun"]


def test_cancelling_it_cancels_the_coroutine() -> None:
    async def scenario() -> None:
        task = asyncio.create_task(LateCoroutine(lambda: asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_one_that_a_stopped_loop_never_begins_leaves_nothing_behind() -> None:
    given: list[str] = []
    loop = asyncio.new_event_loop()
    future = asyncio.run_coroutine_threadsafe(LateCoroutine(lambda: answer(given)), loop)
    loop.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del loop
        gc.collect()

    assert given == []
    assert not future.done()
