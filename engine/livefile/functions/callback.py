"""Calling back into the program around the engine: whoever asked, watches or observes.

What such a callback raises is that program's affair. It is logged, and the engine's thread, which
serves everybody else as well, goes on.
"""

import logging
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")

_log = logging.getLogger("livefile")


def call_back(callback: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call ``callback``; log what it raises."""
    try:
        callback(*args, **kwargs)
    except Exception as error:  # The edge to the program around the engine.
        _log.error("a callback failed: %s: %s", type(error).__name__, error, exc_info=error)
