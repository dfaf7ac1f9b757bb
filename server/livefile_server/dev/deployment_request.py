"""One HTTP request to a running deployment, and its JSON.

Not here: what is asked (``admin_requests.py``, ``admin_client.py``).
"""

import asyncio
from typing import Any

import aiohttp
import orjson

from livefile_server.settings.errors import DeploymentError

CALL_TIMEOUT_S = 300  # The server itself gives up after this time (protocol).


def request_json(
    method: str, url: str, admin_key: str | None, path: str, body: object | None = None
) -> tuple[int, Any]:  # Any: a JSON tree.
    """Send a request to the deployment at ``url``; return the answer's status and its JSON.

    Raises:
        DeploymentError: there is no answer, or none in JSON.
    """
    return asyncio.run(_request(method, url.rstrip("/"), admin_key, path, body))


async def _request(
    method: str, url: str, admin_key: str | None, path: str, body: object | None
) -> tuple[int, Any]:
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
            return response.status, _tree(url, response.status, await response.read())
    except aiohttp.InvalidURL as error:
        raise DeploymentError(f"{url} is no URL; give one such as http://127.0.0.1:3210") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise DeploymentError(f"no answer from {url}: {reason}; is the server running?") from error


def _tree(url: str, status: int, body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DeploymentError(f"{url} answered {status} without JSON; is it Livefile?") from error
