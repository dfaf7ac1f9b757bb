"""``print`` and ``logging`` inside a function: both write into the log of the running call.

Not here: the log lines themselves (``call_log.py``).
"""

import builtins
import logging
import sys
from typing import Any

from livefile.functions.running import current_call

_LEVELS = ((logging.ERROR, "ERROR"), (logging.WARNING, "WARN"), (logging.INFO, "INFO"))


def print_to_call(*things: Any, **options: Any) -> None:
    """Print: to the log of the running call, elsewhere to where ``print`` always does."""
    file = options.get("file")
    running = current_call.get()
    if running is None or file not in (None, sys.stdout, sys.stderr):
        builtins.print(*things, **options)
        return
    separator = options.get("sep")
    text = (" " if separator is None else separator).join(str(thing) for thing in things)
    running.log.add("ERROR" if file is sys.stderr else "LOG", text)


class CallLogHandler(logging.Handler):
    """Hands records of ``logging`` to the log of the running call."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record's message, with its traceback if it has one."""
        running = current_call.get()
        if running is not None:
            level = next((name for least, name in _LEVELS if record.levelno >= least), "DEBUG")
            try:
                text = self.format(record)
            except (KeyError, TypeError, ValueError) as error:  # logging never fails its caller.
                text = f"{record.msg} {record.args!r} (not formatted: {error})"
            running.log.add(level, text)


def capture_logging(package: str) -> None:
    """Let the loggers of a package write into the log of the running call."""
    logger = logging.getLogger(package)
    if not any(isinstance(handler, CallLogHandler) for handler in logger.handlers):
        logger.addHandler(CallLogHandler())
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
