"""The routes of upkeep are for the key of this run alone, and their work ends with the asker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import App, Livefile
from tests.server.running_server import RunningServer, run_in_background
from tests.upkeep_app import load_upkeep_app

PATH = "/api/livefile/upkeep/"


@pytest.fixture
def app(tmp_path: Path) -> App:
    return load_upkeep_app(tmp_path)


@pytest.fixture
def server(tmp_path: Path, app: App) -> Iterator[RunningServer]:
    with Livefile.open(tmp_path / "live.db", app) as livefile, run_in_background(livefile) as it:
        yield it


@pytest.mark.parametrize("name", ["backup", "check", "export", "import", "freeze", "thaw"])
def test_nobody_gets_in_with_another_key(server: RunningServer, tmp_path: Path, name: str) -> None:
    body = {"target": str(tmp_path / "out.db"), "durationMs": 1000}

    for key in (f"Convex {server.admin_key}", "Convex x|y", "Bearer x", ""):
        answer = server.post(PATH + name, body, {"Authorization": key})
        assert answer.status == 401
        assert answer.json["code"] == "BadAdminKey"
    assert not (tmp_path / "out.db").exists()
