import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from livefile import Livefile
from livefile_server.web import health
from livefile_server.web.health import Health
from livefile_server.web.mailbox import Mailbox
from tests.server.running_server import RunningServer


def ask(livefile: Livefile) -> web.Response:
    """Ask without a server around it: nobody takes the engine's steps."""

    async def scenario() -> web.Response:
        mailbox = Mailbox(asyncio.get_running_loop())
        return await Health(livefile, mailbox).get(make_mocked_request("GET", "/api/health"))

    return asyncio.run(scenario())


def test_a_deployment_that_answers_is_well(server: RunningServer) -> None:
    answer = server.request("GET", "/api/health")

    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert server.request("HEAD", "/api/health").status == 200


def test_an_engine_that_takes_no_steps_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_WAIT_S_MAX", 0.01)
    with Livefile.open(":memory:", has_threads=False) as livefile:
        answer = ask(livefile)

    assert answer.status == 503
    assert isinstance(answer.body, bytes)
    assert b'"code":"Unhealthy","message":"The engine did not answer' in answer.body


def test_a_closed_deployment_is_not_well() -> None:
    with Livefile.open(":memory:") as livefile:
        pass

    answer = ask(livefile)

    assert answer.status == 503
    assert isinstance(answer.body, bytes)
    assert b'"code":"Unhealthy"' in answer.body
