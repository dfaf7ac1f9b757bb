"""What happens around every request of the protocol: errors become JSON, browsers get CORS.

Any page may call the API, with its user's credentials in a header, so the request's origin is
mirrored. The web page and its files get no such headers.
"""

from aiohttp import hdrs, web

from livefile import LivefileError
from livefile_server.web.errors import (
    error_response,
    error_text_response,
    unexpected_error_response,
)
from livefile_server.web.function_request import CLIENT_HEADER
from livefile_server.web.routes import Routes

_OPEN_PATHS = ("/api/", "/echo", "/version", "/instance_name", "/instance_version")
_METHODS = "GET, POST, OPTIONS, PATCH, DELETE, PUT"
_CLI = "npm-cli-"  # What the command line's header of its name begins with.
_MAX_AGE_S = "86400"
_CODES = {405: "MethodNotAllowed", 413: "RequestBodyTooLarge"}


async def answer_in_protocol(request: web.BaseRequest, routes: Routes) -> web.StreamResponse:
    """Find and run the handler; errors become JSON, and pages of any origin may read it all."""
    if hdrs.EXPECT in request.headers:
        await tell_to_continue(request)
    if not is_api(request):
        return await routes.find(request)(request)
    if request.method == hdrs.METH_OPTIONS and hdrs.ORIGIN in request.headers:
        response: web.StreamResponse = _preflight_response(request)
    else:
        response = await _answer(request, routes)
    if not response.prepared:
        allow_origin(request, response)
    return response


def allow_origin(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Let the page that asks read the response; handlers that send one themselves call this."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return
    headers = response.headers
    headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
    headers.add(hdrs.VARY, hdrs.ORIGIN)


def is_api(request: web.BaseRequest) -> bool:
    """Tell whether a request is one of the protocol, not of the page or of an HTTP action."""
    return request.path.startswith(_OPEN_PATHS)


async def tell_to_continue(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send its body."""
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0


async def _answer(request: web.BaseRequest, routes: Routes) -> web.StreamResponse:
    try:
        return await routes.find(request)(request)
    except LivefileError as error:
        return error_response(error)
    except web.HTTPNotFound as error:
        # Convex's command line takes 404 for a deployment that is just being made, and asks again
        # for up to 20 seconds.
        is_cli = request.headers.get(CLIENT_HEADER, "").startswith(_CLI)
        return error_text_response(
            400 if is_cli else 404, "NotFound", f"{error.reason}: {request.path}"
        )
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = _CODES.get(error.status, "BadRequest")
        return error_text_response(error.status, code, f"{error.reason}: {request.path}")
    except ConnectionError:
        raise  # The client has gone, and nobody is left to be answered.
    except Exception as error:  # The edge: whatever went wrong, clients of the API read JSON.
        return unexpected_error_response(error)


def _preflight_response(request: web.BaseRequest) -> web.Response:
    response = web.Response(status=200)
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = _METHODS
    response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = _MAX_AGE_S
    wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
    if wanted is not None:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = wanted
    return response
