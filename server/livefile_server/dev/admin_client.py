"""One call of a function of a running deployment, over HTTP.

Results stay in the protocol's encoding, so nothing is lost on the way to the terminal.

Not here: what to print (``cli/run.py``).
"""

from dataclasses import dataclass
from typing import Any

from livefile_server.dev.deployment_request import request_json
from livefile_server.settings.errors import DeploymentError


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
    body: dict[str, Any] = {"args": args, "format": "convex_encoded_json"}
    if admin_key is None:
        route = f"/api/run/{path.replace(':', '/')}"
    else:
        route = "/api/function"
        body["path"] = path
    return _answer(url, *request_json("POST", url, admin_key, route, body))


def _answer(url: str, status: int, items: Any) -> CallAnswer:
    if status != 200 or not isinstance(items, dict) or "status" not in items:
        code = items.get("code", "no code") if isinstance(items, dict) else "no code"
        message = items.get("message", "") if isinstance(items, dict) else ""
        raise DeploymentError(f"{url.rstrip('/')} answered {status} {code}: {message}")
    lines = tuple(items.get("logLines", ()))
    if items["status"] == "success":
        return CallAnswer(value=items["value"], log_lines=lines)
    return CallAnswer(
        error=items["errorMessage"],
        error_data=items.get("errorData"),
        has_error_data="errorData" in items,
        log_lines=lines,
    )
