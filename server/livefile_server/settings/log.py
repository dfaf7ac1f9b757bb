"""The server's own log: lines for people to stderr, or JSON to stdout.

Not here: what functions print, which travels to their callers (the engine), to the terminal of
``livefile dev`` (``dev/report.py``) and, as JSON, through ``call_writer.py``.
"""

import logging
import sys
from enum import Enum
from types import TracebackType

import orjson

from livefile_server.settings.terminal_text import indented_lines

_ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class LogFormat(Enum):
    """How the log is written; the value is what ``--log-format`` takes."""

    TEXT = "text"
    JSON = "json"


class LineFormatter(logging.Formatter):
    """Lines for people. What a record quotes can neither forge a line nor reach the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # As in logging.
        """Return the first line, and the others indented."""
        return indented_lines(super().formatMessage(record))

    def formatException(self, ei: _ExceptionInfo) -> str:  # As in logging.
        """Return the traceback, indented."""
        return f"  {indented_lines(super().formatException(ei))}"


class JsonFormatter(logging.Formatter):
    """One JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object on one line."""
        entry = {
            "kind": "Log",
            "timestamp": record.created,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info is not None:
            entry["traceback"] = self.formatException(record.exc_info)
        # A lone surrogate, which JSON cannot hold, may come in from anywhere.
        texts = {
            name: item.encode(errors="replace").decode() if isinstance(item, str) else item
            for name, item in entry.items()
        }
        return orjson.dumps(texts).decode()


def set_up_logging(level: int = logging.INFO, log_format: LogFormat = LogFormat.TEXT) -> None:
    """Send records of ``level`` and above there, in place of handlers set up before."""
    logging.basicConfig(level=level, handlers=[_handler(log_format)], force=True)
    # These say at INFO what is said better elsewhere: each request, each changed file.
    for name in ("aiohttp.access", "watchfiles"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _handler(log_format: LogFormat) -> logging.Handler:
    if log_format is LogFormat.JSON:
        handler: logging.Handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
    elif sys.stderr.isatty():
        # Here, because a server that nobody looks at starts sooner without it.
        from rich.console import Console
        from rich.logging import RichHandler

        handler = RichHandler(console=Console(stderr=True), show_path=False)
        handler.setFormatter(LineFormatter("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler
