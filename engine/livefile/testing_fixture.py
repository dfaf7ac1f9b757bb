"""The pytest fixture ``livefile``: an app in memory, new for every test.

A project has it with ``pytest_plugins = ["livefile.testing_fixture"]`` in its conftest.py, and says
which app it means in pytest's configuration, ``livefile_app = "chat"``, or with a fixture
``livefile_app`` of its own.

Not here: what the fixture offers (``testing.py``).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile.functions.app import App
from livefile.testing import AppTester, open_app


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting."""
    parser.addini("livefile_app", "the app of the fixture livefile: a package or its folder")


@pytest.fixture(scope="session")
def livefile_app(pytestconfig: pytest.Config) -> App | str | Path:
    """Return the app to test. Override it, or set ``livefile_app`` in pytest's configuration."""
    name: str = pytestconfig.getini("livefile_app")
    if not name:
        raise pytest.UsageError(
            "the fixture livefile needs an app: set livefile_app in pytest's configuration, or "
            "define a fixture livefile_app that returns its package or folder"
        )
    folder = pytestconfig.rootpath / name
    return folder if folder.is_dir() else name


@pytest.fixture(scope="session")
def _loaded_livefile_app(livefile_app: App | str | Path) -> App:
    return App.load(livefile_app)


@pytest.fixture
def livefile(_loaded_livefile_app: App) -> Iterator[AppTester]:
    """Lend the app in memory, without any document."""
    with open_app(_loaded_livefile_app) as tester:
        yield tester
