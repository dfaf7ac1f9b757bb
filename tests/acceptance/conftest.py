"""Deployments for the acceptance tests: the chat app and the conformance app, each in a process.

The apps run from copies, because `livefile dev` writes next to them. The chat is there in Python
and in TypeScript.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.browser import require_chromium
from tests.acceptance.convex_project import CHAT_PROJECT, ConvexProject
from tests.acceptance.node_client import NodeClient
from tests.acceptance.node_runtime import NODE_FOLDER, WEB_FOLDER, require_node, require_package
from tests.acceptance.page_build import build_page
from tests.acceptance.server_process import ROOT, ServerProcess


def copy_app(name: str, folder: Path) -> Path:
    """Copy the Python part of the app ``fixtures/<name>/<name>`` and return its folder."""
    app = folder / name
    source = ROOT / "fixtures" / name / name
    shutil.copytree(source, app / name, ignore=shutil.ignore_patterns("__pycache__"))
    return app


@pytest.fixture(autouse=True, scope="module")
def _tools(request: pytest.FixtureRequest) -> None:
    """Skip a module whose tool is missing before a server is started for nothing."""
    markers = [marker.name for marker in request.node.iter_markers()]
    if "browser" in markers:
        require_chromium()
    if "node" in markers:
        require_node()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The conformance app, shared by the tests of a module. None of them may stop it."""
    folder = tmp_path_factory.mktemp("conformance")
    with ServerProcess(copy_app("conformance", folder), folder) as process:
        yield process


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """The conformance app for one test, which may kill and restart it."""
    with ServerProcess(copy_app("conformance", tmp_path), tmp_path) as process:
        yield process


@pytest.fixture(scope="session")
def pushed_chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is made once of the chat in TypeScript.

    ``deployment.db`` is a file that its functions were pushed to, ``page/dist`` its built page.
    """
    folder = tmp_path_factory.mktemp("convex_chat")
    build_page(CHAT_PROJECT, folder / "page")
    project = ConvexProject(CHAT_PROJECT, folder / "project")
    with ServerProcess(None, folder) as process:
        project.push(process)
        process.stop()
    return folder


@pytest.fixture(params=["python", "typescript"])
def chat_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    """The chat app for one test, with its built page."""
    if request.param == "python":
        page = WEB_FOLDER / "dist"
        if not (page / "index.html").is_file():
            pytest.skip(f"{page} not found: run `npm ci` and `npm run build` in {WEB_FOLDER}")
        app = copy_app("chat", tmp_path)
    else:
        pushed: Path = request.getfixturevalue("pushed_chat")
        page, app = pushed / "page" / "dist", None
        # No sources: the functions are in the file.
        shutil.copy(pushed / "deployment.db", tmp_path)
    with ServerProcess(app, tmp_path, ["--web", str(page)]) as process:
        yield process


@pytest.fixture
def client(server: ServerProcess) -> Iterator[NodeClient]:
    """The npm client on the shared conformance app."""
    with connected_client(server.url) as node:
        yield node


@contextmanager
def connected_client(url: str) -> Iterator[NodeClient]:
    """Run an npm client; nothing may go wrong in it that no call reports."""
    require_package(NODE_FOLDER, "convex")
    with NodeClient(url) as node:
        yield node
        assert not [event for event in node.events if event["event"] == "unhandled"]
