import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from livefile import Livefile
from livefile_server.web.static_page import StaticPage
from tests.server.running_server import RunningServer, run_in_background

SECRET = b"not for you"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<h1>page</h1>")
    (root / "assets" / "app-1a2b.js").write_text("run()")
    (root / "logo.svg").write_text("<svg/>")
    (root / "data.unknown").write_text("?")
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    return root


@pytest.fixture
def page(livefile: Livefile, root: Path) -> Iterator[RunningServer]:
    with run_in_background(livefile, root) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "content_type", "cache_control"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/logo.svg", "image/svg+xml", "no-cache"),
        ("/data.unknown", "application/octet-stream", "no-cache"),
        (
            "/assets/app-1a2b.js",
            "text/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
        ),
    ],
)
def test_a_file_is_served_with_its_type(
    page: RunningServer, path: str, content_type: str, cache_control: str
) -> None:
    answer = page.request("GET", path)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Cache-Control"] == cache_control
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_path_of_the_pages_own_router_gets_the_page(page: RunningServer) -> None:
    answer = page.request("GET", "/channel/general")

    assert (answer.status, answer.body) == (200, b"<h1>page</h1>")


@pytest.mark.parametrize("path", ["/missing.js", "/assets/missing.css", "/api/missing", "/.git"])
def test_a_file_that_is_not_there_is_not_found(page: RunningServer, path: str) -> None:
    assert page.request("GET", path).status == 404


def test_the_page_does_not_hide_the_api(page: RunningServer) -> None:
    assert page.request("GET", "/version").body != b"<h1>page</h1>"
    assert page.request("POST", "/api/query_ts").json.keys() == {"ts"}


def test_a_rebuilt_page_is_served_at_once(page: RunningServer, root: Path) -> None:
    page.request("GET", "/")
    (root / "index.html").write_text("<h1>another</h1>")

    assert page.request("GET", "/").body == b"<h1>another</h1>"


def test_an_unchanged_file_is_not_sent_again(page: RunningServer) -> None:
    tag = page.request("GET", "/logo.svg").headers["ETag"]

    assert page.request("GET", "/logo.svg", headers={"If-None-Match": tag}).status == 304


def test_a_folder_without_a_page_says_so(page: RunningServer, root: Path) -> None:
    (root / "index.html").unlink()

    assert page.request("GET", "/").status == 404


def traversals() -> list[str]:
    """More than 500 attempts to leave the root, from fixed parts in a seeded order."""
    ups = ["..", "%2e%2e", ".%2e", "..%2f..", "..\\..", "%2e%2e%5c", "..%00", "....", ". .", "..;"]
    seams = ["/", "%2f", "//", "/./", "\\", "%5c", "%252f"]
    heads = ["", "assets/", "assets/../", "/", "./", "folder/", "link.txt/", "loop/", "C:", "~/"]
    attempts = [
        f"/{head}{seam.join([up] * depth)}{seam}secret.txt"
        for head, up, seam, depth in itertools.product(heads, ups, seams, (1, 2))
    ]
    random.Random(7).shuffle(attempts)
    return attempts


def test_no_path_leaves_the_root(page: RunningServer) -> None:
    attempts = traversals()

    assert len(attempts) >= 500
    for path in attempts[:500]:
        answer = page.request("GET", quote(path, safe="/%\\:;~. ").replace(" ", "%20"))
        assert SECRET not in answer.body, path


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "folder/secret.txt",
        "link.txt",
        "loop",
        "assets",
        "assets/",
        "a\0b",
        pytest.param("x" * 5000, id="too long"),
        "..\\secret.txt",
        "/etc/passwd",
    ],
)
def test_only_regular_files_under_the_root_are_found(root: Path, path: str) -> None:
    assert StaticPage(root).find(path) is None


def test_a_link_inside_the_root_is_followed(root: Path) -> None:
    (root / "alias.svg").symlink_to(root / "logo.svg")

    assert StaticPage(root).find("alias.svg") == (root / "logo.svg").resolve()
