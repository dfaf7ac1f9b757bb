"""Requests to the admin routes of a running deployment, over HTTP.

Not here: calls of functions (``admin_client.py``).
"""

from typing import Any

from livefile_server.dev.deployment_request import request_json
from livefile_server.settings.errors import DeploymentError


def get_json(url: str, admin_key: str | None, path: str) -> Any:  # Any: a JSON tree.
    """Return what the route at ``path`` of the deployment at ``url`` answers.

    Raises:
        DeploymentError: there is no answer, or it is a refusal.
    """
    return _accepted(*request_json("GET", url, admin_key, path))


def post_json(url: str, admin_key: str | None, path: str, body: object) -> Any:
    """Send ``body`` to a route and return what it answers; raises as ``get_json``."""
    return _accepted(*request_json("POST", url, admin_key, path, body))


def _accepted(status: int, answer: Any) -> Any:
    if status != 200:
        found = answer if isinstance(answer, dict) else {}
        raise DeploymentError(f"{found.get('code', status)}: {found.get('message', 'refused')}")
    return answer
