"""What a client reads when a function raised: the protocol's texts.

Not here: failures of the infrastructure, which are no answer (``vocabulary/errors.py``).
"""

import traceback
from pathlib import Path

from livefile.functions.call import Failure
from livefile.functions.watchdog import TimedOut
from livefile.model.value import normalize
from livefile.model.value_json import to_json
from livefile.vocabulary.errors import (
    ArgumentValidationError,
    ConvexError,
    FunctionNotFoundError,
    FunctionTimeoutError,
    InvalidCursorError,
    InvalidValueError,
    JavaScriptConvexError,
    JavaScriptError,
    ReturnsValidationError,
    WrongFunctionKindError,
)
from livefile.vocabulary.limits import FAILURE_FRAMES_MAX, FUNCTION_DURATION_MS_MAX

# Their messages already are the whole text of the protocol.
_OWN_TEXT = (
    ArgumentValidationError,
    ReturnsValidationError,
    FunctionNotFoundError,
    FunctionTimeoutError,
    InvalidCursorError,
    JavaScriptConvexError,
    JavaScriptError,
    WrongFunctionKindError,
)


def failure_of(
    raised: BaseException,
    request_id: str,
    log_lines: tuple[str, ...],
    app_path: Path,
    ts: int,
    journal: str | None = None,
) -> Failure:
    """Return the failure that a raised exception is for the client."""
    error = _as_exception(raised)
    data_json = None
    if isinstance(error, ConvexError):
        try:
            data_json = to_json(normalize(error.data))
        except InvalidValueError as invalid:
            error = InvalidValueError(f"the data of a ConvexError is no value: {invalid}")
    return Failure(
        message=f"[Request ID: {request_id}] Server Error\n{function_error(error, app_path)}",
        data_json=data_json,
        log_lines=log_lines,
        ts=ts,
        journal=None if isinstance(error, InvalidCursorError) else journal,
        error=error,
    )


def function_error(error: Exception, app_path: Path) -> str:
    """Return what is told of an error of a function: its text, and where in the app it was."""
    if isinstance(error, _OWN_TEXT):
        return str(error)
    frames = []
    for frame, line_number in traceback.walk_tb(error.__traceback__):  # Reads no source file.
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(app_path):
            place = f"{file.relative_to(app_path)}:{line_number}"
            frames.append(f"    at {frame.f_code.co_name} ({place})")
    shown = frames[: -FAILURE_FRAMES_MAX - 1 : -1]  # The innermost first: they say what failed.
    if len(shown) < len(frames):
        shown.append(f"    ... {len(frames) - len(shown)} more")
    return "\n".join([f"Uncaught {type(error).__name__}: {_text_of(error)}", *shown])


def _as_exception(raised: BaseException) -> Exception:
    """Return what ends the function and not the thread that runs it."""
    if isinstance(raised, Exception):
        return raised
    if isinstance(raised, TimedOut):
        seconds = FUNCTION_DURATION_MS_MAX // 1000
        return FunctionTimeoutError(f"Function execution timed out (maximum duration: {seconds}s)")
    is_exit = isinstance(raised, SystemExit)
    text = "exit was called" if is_exit else f"{type(raised).__name__}: {_text_of(raised)}"
    return RuntimeError(text).with_traceback(raised.__traceback__)


def _text_of(error: BaseException) -> str:
    """Return what the error says; its own code for that may be wrong, too."""
    shown = traceback.TracebackException(Exception, error, None, lookup_lines=False, compact=True)
    return str(shown).encode(errors="replace").decode()
