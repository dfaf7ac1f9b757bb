"""Queries and mutations cannot reach outside: no sockets, files, processes or threads.

An audit hook of the interpreter refuses them while a query or mutation runs, also from inside
libraries. It is installed with the first app of a process and sees nothing else.

What is not covered: C code without audit events.

Not here: time and dice (``functions/determinism.py``).
"""

import linecache
import sys
import threading
from typing import Any

from livefile.functions.running import RunningCall, sealed_call
from livefile.vocabulary.errors import SealedError

# Any: audit events have arguments of every type.

_REFUSED_PREFIXES = (
    "socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system",
    "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod",
    "os.link", "os.symlink", "os.truncate", "os.putenv", "os.unsetenv", "os.chdir", "os.kill",
    "shutil.", "tempfile.", "sqlite3.", "urllib.", "http.client.", "ftplib.", "smtplib.",
    "imaplib.", "poplib.", "webbrowser.", "pty.", "signal.", "builtins.input", "_thread.start_",
)  # fmt: skip
_CODE_READERS = ("<frozen importlib", linecache.__file__)

_is_installed = False


def install_audit_hook() -> None:
    """Refuse what is outside to sealed calls, from now on in this process."""
    global _is_installed
    if _is_installed:
        return
    _is_installed = True
    sys.addaudithook(_audit)
    if sys.version_info < (3, 12):  # Which has no event for a new thread.
        threading.Thread.start = _audited(threading.Thread.start)  # type: ignore[method-assign]


def refusal(running: RunningCall, what: str) -> SealedError:
    """Return the error for a call that does what it must not do."""
    return SealedError(
        f"{running.path} {what}, but a query or mutation must not reach outside or wait; "
        "use an action"
    )


def _audit(event: str, args: tuple[Any, ...]) -> None:
    # The hook hears of every ``id()`` in the process, so the cheapest question comes first.
    running = sealed_call()
    if running is None or not (event == "open" or event.startswith(_REFUSED_PREFIXES)):
        return
    if _is_reading_code():
        return
    what = f"opens {args[0]!r}" if event == "open" else f"uses {event}"
    raise refusal(running, what)


def _audited(start: Any) -> Any:
    def start_audited(thread: threading.Thread) -> None:
        _audit("_thread.start_new_thread", ())
        start(thread)

    return start_audited


def _is_reading_code() -> bool:
    """Tell whether Python itself reads code, which changes no result.

    A library may import its modules late, and a traceback shows lines of source.
    """
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(_CODE_READERS):
            return True
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop.
    return False
