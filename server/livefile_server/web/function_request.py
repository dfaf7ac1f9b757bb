"""The body of a request of the function API, checked, and the two forms of a result.

Not here: the routes (``functions.py``) and the header that says who calls
(``auth/authenticate.py``).
"""

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import count

import orjson
from aiohttp import StreamReader, hdrs, web

from livefile import (
    Call,
    Failure,
    Identity,
    Outcome,
    Success,
    errors,
    from_json,
    limits,
    parse_function_path,
    to_clean,
)
from livefile_server.sync.arguments import decode_arguments
from livefile_server.sync.client_version import parse_client_header
from livefile_server.web.caller import caller_of

CLIENT_HEADER = "Convex-Client"
_REQUEST_ID_HEADER = "Convex-Request-Id"
_REQUEST_ID = re.compile(r"[0-9a-f]{16}")
_BODY_DURATION_S_MAX = limits.HTTP_BODY_WAIT_MS_MAX / 1000


class Format(Enum):
    """How results are written: in the protocol's encoding, or as plain JSON that loses types."""

    ENCODED = "convex_encoded_json"
    CLEAN = "json"


# Ids of requests differ; they need not be hard to guess. Asking the system for random bytes for
# each of them was a tenth of the cost of a request.
_request_numbers = count(secrets.randbits(64))
_ODD_NUMBER = 0x9E3779B97F4A7C15

_FORMATS = {
    "convex_encoded_json": Format.ENCODED,
    "convex_json": Format.ENCODED,
    "json": Format.CLEAN,
    "convex_clean_json": Format.CLEAN,
}


@dataclass(frozen=True, slots=True)
class FunctionRequest:
    """One function to run. ``call`` is the failure to answer with if it can be no call."""

    call: Call | Failure
    format: Format


async def read_body(request: web.BaseRequest) -> Mapping[str, object]:
    """Return the JSON object in the body.

    Raises:
        BadRequestError: not sent as JSON, no JSON, no object, or it takes too long to come.
        HTTPRequestEntityTooLarge: it has more than ``HTTP_BODY_SIZE_BYTES_MAX``.
    """
    if request.content_type != "application/json":
        raise errors.BadRequestError(
            "BadJsonBody", "Expected request with `Content-Type: application/json`"
        )
    try:
        data = request.content.read_nowait()
        if not request.content.at_eof():  # Usually all of it came with the headers.
            data += await _read_rest(request.content)
        _check_size(data)
        body = orjson.loads(data)
    except TimeoutError as error:
        raise errors.BadRequestError(
            "BadJsonBody", "The body of the request did not arrive"
        ) from error
    except orjson.JSONDecodeError as error:
        raise errors.BadRequestError("BadJsonBody", f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise errors.BadRequestError("BadJsonBody", "The body must be a JSON object")
    return body


def parse_request(
    body: Mapping[str, object], request: web.BaseRequest, identity: Identity
) -> FunctionRequest:
    """Return what ``{path, args, format?, componentPath?}`` asks for.

    Raises:
        BadRequestError: the path or the format is wrong. Wrong arguments are a failure of the
            function instead, as everywhere in the protocol.
    """
    path = body.get("path")
    if not isinstance(path, str):
        raise errors.BadRequestError("BadJsonBody", f"path must be a string, not {path!r:.100}")
    component = body.get("componentPath")
    if component is not None and not isinstance(component, str):
        raise errors.BadRequestError(
            "BadJsonBody", f"componentPath must be a string or null, not {component!r:.100}"
        )
    if component and not identity.is_admin:
        raise errors.BadRequestError(
            "FunctionNotFound", "Functions of components are called with the admin key"
        )
    result_format = parse_format(body.get("format"), request)
    call = make_call(path, body.get("args"), identity, request, component)
    return FunctionRequest(call=call, format=result_format)


def make_call(
    path: str,
    args: object,
    identity: Identity,
    request: web.BaseRequest,
    component: str | None = None,
) -> Call | Failure:
    """Return the call of the function at ``path`` with ``args`` from parsed JSON.

    Functions of a ``component`` are found for admins only.

    Raises:
        BadRequestError: the path is malformed.
    """
    canonical_path = parse_function_path(path, component)
    request_id = request_id_of(request)
    try:
        decoded = decode_arguments(canonical_path, args)
    except (errors.ArgumentValidationError, errors.InvalidValueError) as error:
        return Failure(message=f"[Request ID: {request_id}] Server Error\n{error}")
    return Call(
        path=canonical_path,
        args=decoded,
        identity=identity,
        request_id=request_id,
        is_internal=identity.is_admin,
        caller=caller_of(request),
    )


def request_id_of(request: web.BaseRequest) -> str:
    """Return the id that a request came with, a new one if it has none."""
    request_id = request.headers.get(_REQUEST_ID_HEADER)
    if request_id is None or _REQUEST_ID.fullmatch(request_id) is None:
        return _next_request_id()
    return request_id


def parse_format(name: object, request: web.BaseRequest) -> Format:
    """Return the format called ``name``; without one, what suits the client.

    Raises:
        BadRequestError: no such format.
    """
    if name is None:
        header = request.headers.get(CLIENT_HEADER)
        if header is not None and parse_client_header(header).takes_encoded_json:
            return Format.ENCODED
        return Format.CLEAN
    known = _FORMATS.get(name) if isinstance(name, str) else None
    if known is None:
        raise errors.BadRequestError(
            "BadFormat", f"format must be one of {', '.join(_FORMATS)}, not {name!r:.100}"
        )
    return known


def encode_outcome(outcome: Outcome, result_format: Format) -> bytes:
    """Return the JSON object that answers one call."""
    log_lines = b""
    if outcome.log_lines:
        log_lines = b',"logLines":%b' % orjson.dumps(outcome.log_lines)
    if isinstance(outcome, Success):
        return b'{"status":"success","value":%b%b}' % (
            _convert(outcome.json, result_format),
            log_lines,
        )
    data = b""
    if outcome.data_json is not None:
        data = b',"errorData":%b' % _convert(outcome.data_json, result_format)
    return b'{"status":"error","errorMessage":%b%b%b}' % (
        orjson.dumps(outcome.message),
        data,
        log_lines,
    )


def json_response(body: bytes) -> web.Response:
    """Return a response of status 200 with JSON."""
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: "application/json"})


# Multiplying by an odd number permutes the numbers of 64 bits, so none comes twice.
def _next_request_id() -> str:
    return f"{next(_request_numbers) * _ODD_NUMBER & 0xFFFFFFFFFFFFFFFF:016x}"


async def _read_rest(content: StreamReader) -> bytes:
    rest = bytearray()
    async with asyncio.timeout(_BODY_DURATION_S_MAX):
        async for chunk in content.iter_any():
            rest += chunk
            _check_size(rest)
    return bytes(rest)


def _check_size(body: bytes | bytearray) -> None:
    if len(body) > limits.HTTP_BODY_SIZE_BYTES_MAX:
        raise web.HTTPRequestEntityTooLarge(limits.HTTP_BODY_SIZE_BYTES_MAX, len(body))


def _convert(encoded: bytes, result_format: Format) -> bytes:
    return (
        encoded if result_format is Format.ENCODED else orjson.dumps(to_clean(from_json(encoded)))
    )
