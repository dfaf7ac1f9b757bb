"""One call of a function of a running deployment, over HTTP.

Results stay in the protocol's encoding, so nothing is lost on the way to the terminal.

Not here: what to print (``cli/run.py``).
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from livefile_server.settings.errors import DeploymentError

CALL_TIMEOUT_S = 300  # The server itself gives up after this time (protocol).


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """What a function answered: ``value`` if ``error`` is None.

    ``value`` and ``error_data`` are JSON trees in the protocol's encoding; ``has_error_data``
    tells an error with the data ``null`` from one without data.
    """

    value: Any = None  # Any: a JSON tree.
    error: str | None = None
    error_data: Any = None
    has_error_data: bool = False
    log_lines: tuple[str, ...] = ()


def call_function(url: str, admin_key: str | None, path: str, args: Any) -> CallAnswer:
    """Run one function and wait for its answer.

    With an admin key every function can be called, without one only the public ones.

    Raises:
        DeploymentError: there is no answer, or it is one of the transport.
    """
    return asyncio.run(_call(url.rstrip("/"), admin_key, path, args))


async def _call(url: str, admin_key: str | None, path: str, args: Any) -> CallAnswer:
    body: dict[str, Any] = {"args": args, "format": "convex_encoded_json"}
    headers = {"Content-Type": "application/json"}
    if admin_key is None:
        route = f"/api/run/{path.replace(':', '/')}"
    else:
        route = "/api/function"
        body["path"] = path
        headers["Authorization"] = f"Convex {admin_key}"
    timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url + route, data=orjson.dumps(body), headers=headers) as response,
        ):
            return _answer(url, response.status, await response.read())
    except aiohttp.InvalidURL as error:
        raise DeploymentError(f"{url} is no URL; give one such as http://127.0.0.1:3210") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise DeploymentError(f"no answer from {url}: {reason}; is the server running?") from error


def _answer(url: str, status: int, body: bytes) -> CallAnswer:
    try:
        items = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DeploymentError(f"{url} answered {status} without JSON; is it Livefile?") from error
    if status != 200 or not isinstance(items, dict) or "status" not in items:
        code = items.get("code", "no code") if isinstance(items, dict) else "no code"
        message = items.get("message", "") if isinstance(items, dict) else ""
        raise DeploymentError(f"{url} answered {status} {code}: {message}")
    lines = tuple(items.get("logLines", ()))
    if items["status"] == "success":
        return CallAnswer(value=items["value"], log_lines=lines)
    return CallAnswer(
        error=items["errorMessage"],
        error_data=items.get("errorData"),
        has_error_data="errorData" in items,
        log_lines=lines,
    )
