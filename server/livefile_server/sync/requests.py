"""From a request of the wire to a call of the engine.

A request that cannot be a call, because its path or its arguments are malformed, becomes the
failure to answer it with: the other requests of the socket are not harmed.
"""

import hashlib

from livefile import Call, Failure, RequestKey, WatchQuery, errors, parse_function_path
from livefile_server.sync.arguments import decode_arguments
from livefile_server.sync.messages import AddQuery, MutationRequest, RunRequest
from livefile_server.sync.sign_in import SignIn


def make_call(request: RunRequest, session_id: str | None, sign_in: SignIn) -> Call | Failure:
    """Return the call that a mutation or action request stands for.

    A mutation of a client that named its session is exactly-once.
    """
    request_id = _request_id(session_id, str(request.request_number))
    try:
        path = parse_function_path(request.path, request.component_path)
        args = decode_arguments(path, request.args)
    except (
        errors.BadRequestError,
        errors.ArgumentValidationError,
        errors.InvalidValueError,
    ) as error:
        return _failure(request_id, error)
    key = None
    if session_id is not None and isinstance(request, MutationRequest):
        key = RequestKey(session_id=session_id, request_number=request.request_number)
    return Call(
        path=path,
        args=args,
        identity=sign_in.identity,
        request_id=request_id,
        request_key=key,
        is_internal=sign_in.identity.is_admin,
        caller=sign_in.caller,
    )


def make_watch_query(query: AddQuery, session_id: str | None) -> WatchQuery | Failure:
    """Return the query to watch."""
    try:
        path = parse_function_path(query.path, query.component_path)
        args = decode_arguments(path, query.args)
    except (
        errors.BadRequestError,
        errors.ArgumentValidationError,
        errors.InvalidValueError,
    ) as error:
        return _failure(_request_id(session_id, f"query|{query.query_id}"), error)
    return WatchQuery(query_id=query.query_id, path=path, args=args, journal=query.journal)


def _failure(request_id: str, error: Exception) -> Failure:
    return Failure(message=f"[Request ID: {request_id}] Server Error\n{error}")


def _request_id(session_id: str | None, suffix: str) -> str:
    return hashlib.sha256(f"{session_id or ''}|{suffix}".encode()).hexdigest()[:16]
