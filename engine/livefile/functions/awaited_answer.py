"""Awaiting an answer that the engine gives on another thread.

Not here: what is asked (``functions/awaited_system.py``, ``functions/files.py``).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from livefile.vocabulary.errors import LivefileError

R = TypeVar("R")


async def answer_of(submit: Callable[[Callable[[R | LivefileError], None]], None]) -> R:
    """Submit something and return what its ``done`` hears, on whatever event loop this runs.

    Raises:
        LivefileError: what ``done`` heard, or why it could not be submitted.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def set_answer(result: object) -> None:
        if not answer.done():
            answer.set_result(result)

    def done(result: object) -> None:
        # Once the deployment is closed nobody waits, and the loop is gone.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(set_answer, result)

    submit(done)
    result = await answer
    if isinstance(result, LivefileError):
        raise result
    found: R = result
    return found
