"""What a function prints while it runs: ``print`` and ``logging`` become the call's log lines.

A line is ``[LEVEL] text``, as clients expect it.

Not here: the server's own log.
"""

import builtins
import logging
import sys
from typing import Any

from livefile.functions.running import current_call
from livefile.vocabulary.limits import LOG_LINE_BYTES_MAX, LOG_LINES_MAX

_CUT = " (truncated due to length)"
_LEVELS = ((logging.ERROR, "ERROR"), (logging.WARNING, "WARN"), (logging.INFO, "INFO"))


class CallLog:
    """The lines of one call, bounded in number and in length."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines so far."""
        return tuple(self._lines)

    def add(self, level: str, text: str) -> None:
        """Add a line; past the limit the last one says that lines are missing."""
        if len(self._lines) >= LOG_LINES_MAX:
            return
        if len(self._lines) == LOG_LINES_MAX - 1:
            level, text = "ERROR", f"Log overflow (maximum {LOG_LINES_MAX}): more lines were lost"
        line = f"[{level}] {text}".encode(errors="replace")
        if len(line) > LOG_LINE_BYTES_MAX:
            line = line[: LOG_LINE_BYTES_MAX - len(_CUT)] + _CUT.encode()
        self._lines.append(line.decode(errors="ignore"))


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
            running.log.add(level, self.format(record))


def capture_logging(package: str) -> None:
    """Let the loggers of a package write into the log of the running call."""
    logger = logging.getLogger(package)
    if not any(isinstance(handler, CallLogHandler) for handler in logger.handlers):
        logger.addHandler(CallLogHandler())
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
