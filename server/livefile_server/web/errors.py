"""Errors of the infrastructure as HTTP responses: a status, and JSON with a code and a message.

An error of a function is no error here; it is a result with status 200 (``functions.py``).
"""

import logging

import orjson
from aiohttp import web

from livefile import LivefileError, errors

_log = logging.getLogger(__name__)

INTERNAL_ERROR_MESSAGE = "Your request couldn't be completed. Try again later."


def status_of(error: LivefileError) -> int:
    """Return the HTTP status of an error; by default it is the server's fault."""
    match error:
        case errors.PushConflictError():
            return 409
        case errors.BadRequestError():
            return 400
        case errors.UnauthenticatedError():
            return 401
        case errors.ForbiddenError():
            return 403
        case errors.ClosedError():
            return 408
        case (
            errors.ConflictError()
            | errors.LogTrimmedError()
            | errors.OverloadedError()
            | errors.DiskFullError()
        ):
            return 503
        case _:
            return 500


def error_response(error: LivefileError) -> web.Response:
    """Return the response to a request that failed with ``error``."""
    status = status_of(error)
    if status == 500:
        return unexpected_error_response(error)
    return error_text_response(status, error.code, str(error))


def unexpected_error_response(error: Exception) -> web.Response:
    """Log ``error`` and return a response without it: callers need not know our insides."""
    _log.error("A request failed: %s", error, exc_info=error)
    return error_text_response(500, "InternalServerError", INTERNAL_ERROR_MESSAGE)


def error_text_response(status: int, code: str, message: str) -> web.Response:
    """Return a response in the form that Convex's clients read."""
    return web.Response(
        status=status,
        body=orjson.dumps({"code": code, "message": message}),
        content_type="application/json",
    )
