"""Requests to the admin routes of a running deployment, over HTTP.

Not here: calls of functions (``admin_client.py``).
"""

import asyncio
from typing import Any

import aiohttp
import orjson

from livefile_server.dev.admin_client import CALL_TIMEOUT_S
from livefile_server.settings.errors import DeploymentError


def get_json(url: str, admin_key: str | None, path: str) -> Any:  # Any: a JSON tree.
    """Return what the route at ``path`` of the deployment at ``url`` answers.

    Raises:
        DeploymentError: there is no answer, or it is a refusal.
    """
    return asyncio.run(_request("GET", url.rstrip("/"), admin_key, path, None))


def post_json(url: str, admin_key: str | None, path: str, body: object) -> Any:
    """Send ``body`` to a route and return what it answers; raises as ``get_json``."""
    return asyncio.run(_request("POST", url.rstrip("/"), admin_key, path, body))


async def _request(
    method: str, url: str, admin_key: str | None, path: str, body: object | None
) -> Any:
    headers = {"Content-Type": "application/json"}
    if admin_key is not None:
        headers["Authorization"] = f"Convex {admin_key}"
    data = None if body is None else orjson.dumps(body)
    timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url + path, data=data, headers=headers) as response,
        ):
            return _answer(url, response.status, await response.read())
    except aiohttp.InvalidURL as error:
        raise DeploymentError(f"{url} is no URL; give one such as http://127.0.0.1:3210") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise DeploymentError(f"no answer from {url}: {reason}; is the server running?") from error


def _answer(url: str, status: int, body: bytes) -> Any:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DeploymentError(f"{url} answered {status} without JSON; is it Livefile?") from error
    if status != 200:
        found = answer if isinstance(answer, dict) else {}
        raise DeploymentError(f"{found.get('code', status)}: {found.get('message', 'refused')}")
    return answer
