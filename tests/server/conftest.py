"""A deployment with the conformance app, and a server in front of it on a free port."""

from collections.abc import Iterator

import pytest

from livefile import Livefile
from tests.server.running_server import CONFORMANCE_APP, RunningServer, run_in_background


@pytest.fixture
def livefile() -> Iterator[Livefile]:
    with Livefile.open(":memory:", app=CONFORMANCE_APP) as opened:
        yield opened


@pytest.fixture
def server(livefile: Livefile) -> Iterator[RunningServer]:
    with run_in_background(livefile) as running:
        yield running
