"""The server's own log: to stderr, coloured only where somebody looks at it.

Not here: what functions print, which travels to their callers (the engine) and to the terminal
of ``livefile dev`` (``dev/report.py``).
"""

import logging
import sys


def set_up_logging(level: int = logging.INFO) -> None:
    """Send records of ``level`` and above to stderr, in place of handlers set up before."""
    logging.basicConfig(level=level, handlers=[_handler()], force=True)
    # These say at INFO what is said better elsewhere: each request, each changed file.
    for name in ("aiohttp.access", "watchfiles"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _handler() -> logging.Handler:
    if sys.stderr.isatty():
        # Here, because a server that nobody looks at starts sooner without it.
        from rich.console import Console
        from rich.logging import RichHandler

        handler: logging.Handler = RichHandler(
            console=Console(stderr=True), show_path=False, rich_tracebacks=True
        )
        handler.setFormatter(logging.Formatter("%(message)s"))
        return handler
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler
