"""Having the server of a file do the upkeep of it, over HTTP on this machine.

Not here: what is done (``web/upkeep_work.py``).
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from livefile_server.dev.running import RunningServer
from livefile_server.settings.errors import DeploymentError
from livefile_server.web.upkeep_work import FREEZE, THAW, UPKEEP_PATH, OnProgress

_Line = Mapping[str, Mapping[str, Any]]  # Any: JSON.

_SILENCE_S_MAX = 30.0  # It says something ten times a second.


def have_done(
    server: RunningServer, name: str, args: Mapping[str, object], on_progress: OnProgress
) -> Mapping[str, Any]:
    """Have work done and return what it came to. Blocks.

    Raises:
        DeploymentError: the server does not answer, or the work failed.
    """
    with _asked(server, name, args) as answer:
        return _followed(server, answer, on_progress)


@contextmanager
def frozen(server: RunningServer, duration_ms: int) -> Iterator[None]:
    """Have the served file stand still while the block runs.

    Raises:
        DeploymentError: it cannot be frozen, or writes went on before the block ended.
    """
    with _asked(server, FREEZE, {"durationMs": duration_ms}) as answer:
        for line in _lines(server, answer):
            if "progress" not in line:
                _result(line)
            elif line["progress"]["stage"] == "frozen":
                break
        yield
        with _asked(server, THAW, {}) as thawed:
            thawed.read()
        _followed(server, answer, lambda stage, done, count: None)


@contextmanager
def _asked(
    server: RunningServer, name: str, args: Mapping[str, object]
) -> Iterator[http.client.HTTPResponse]:
    request = urllib.request.Request(
        server.url + UPKEEP_PATH + name,
        data=json.dumps(args).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Convex {server.admin_key}",
        },
    )
    try:
        answer = urllib.request.urlopen(request, timeout=_SILENCE_S_MAX)
    except urllib.error.HTTPError as error:
        with error:
            raise DeploymentError(
                f"{server.url} answered {error.code}: {error.read(1000).decode(errors='replace')}"
            ) from error
    except (OSError, http.client.HTTPException) as error:
        raise _no_answer(server, error) from error
    with answer:
        yield answer


def _followed(
    server: RunningServer, answer: http.client.HTTPResponse, on_progress: OnProgress
) -> Mapping[str, Any]:
    for line in _lines(server, answer):
        if "progress" not in line:
            return _result(line)
        progress = line["progress"]
        on_progress(progress["stage"], progress["done"], progress["of"])
    raise DeploymentError(f"{server.url} stopped before it was done")


def _lines(server: RunningServer, answer: http.client.HTTPResponse) -> Iterator[_Line]:
    try:
        for line in answer:
            yield json.loads(line)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _no_answer(server, error) from error


def _result(line: _Line) -> Mapping[str, Any]:
    if "error" in line:
        raise DeploymentError(str(line["error"]["message"]))
    return line["done"]


def _no_answer(server: RunningServer, error: Exception) -> DeploymentError:
    reason = str(error) or type(error).__name__
    return DeploymentError(
        f"no answer from {server.url}, which has the file open: {reason}; nothing can be said of "
        "what it did"
    )
