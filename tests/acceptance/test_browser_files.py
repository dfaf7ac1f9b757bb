"""A picture that one browser uploads and another shows, and files that must not run as pages."""

import asyncio
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.browser import WAIT_SECONDS_MAX, Browser, Page, open_browser
from tests.acceptance.conftest import copy_app
from tests.acceptance.node_runtime import WEB_FOLDER, require_node, require_package
from tests.acceptance.server_process import ROOT, ServerProcess
from tests.app_folder import write_app
from tests.storage_app import FUNCTIONS

pytestmark = [pytest.mark.browser, pytest.mark.node]

# Chooses a picture of 40 by 30 pixels that the page itself draws.
CHOOSE_PICTURE = """(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 40;
    canvas.height = 30;
    canvas.getContext("2d").fillRect(0, 0, 20, 30);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    choose(blob, "half.png");
})()"""
CHOOSE = """window.choose = (blob, name) => {
    const chosen = new DataTransfer();
    chosen.items.add(new File([blob], name, { type: blob.type }));
    const input = document.querySelector("input[type=file]");
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
}"""
IS_SHOWN = "document.querySelector('img')?.naturalWidth === 40"
STATUS = "document.querySelector('[data-testid=status]').textContent"


@pytest.fixture(scope="module")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the page with the packages of the chat page."""
    require_package(WEB_FOLDER, "convex")
    vite = require_package(WEB_FOLDER, "vite") / "bin" / "vite.js"
    folder = tmp_path_factory.mktemp("gallery_page") / "page"
    shutil.copytree(ROOT / "fixtures" / "gallery" / "web", folder)
    (folder / "node_modules").symlink_to(WEB_FOLDER / "node_modules")
    shutil.copy(WEB_FOLDER / "vite.config.ts", folder)
    command = [require_node(), str(vite), "build", "--logLevel", "error"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "dist"


@pytest.fixture
def gallery_server(tmp_path: Path, built_page: Path) -> Iterator[ServerProcess]:
    app = copy_app("gallery", tmp_path)
    with ServerProcess(app, tmp_path, ["--web", str(built_page)]) as process:
        yield process


async def open_page(browser: Browser, server: ServerProcess) -> Page:
    page = await browser.new_page()
    await page.goto(server.url)
    await page.wait_for("document.querySelector('input[type=file]')")
    await page.evaluate(CHOOSE)
    return page


def test_a_picture_that_is_uploaded_is_shown_to_everybody(
    gallery_server: ServerProcess, tmp_path: Path
) -> None:
    async def run() -> None:
        async with open_browser(tmp_path / "chromium") as browser:
            page = await open_page(browser, gallery_server)
            other = await open_page(browser, gallery_server)

            await page.evaluate(CHOOSE_PICTURE)
            for each in (page, other):
                await each.wait_for(IS_SHOWN)
                caption = "document.querySelector('figcaption').textContent"
                assert await each.evaluate(caption) == "half.png"
            await other.click("button")
            for each in (page, other):
                await each.wait_for("!document.querySelector('img')")

            await page.evaluate("choose(new Blob(['x'], { type: 'text/html' }), 'x.html')")
            await page.wait_for(f"{STATUS} === 'A gallery shows pictures only'")

    asyncio.run(run())


PAGE = b"""<svg xmlns="http://www.w3.org/2000/svg"><script>
    localStorage.setItem("ran", "1");
</script></svg>"""


def stored(server: ServerProcess, content_type: str) -> str:
    """Upload the page as a file of some type and return its address."""
    url = server.mutation("files:upload_url", {})
    request = urllib.request.Request(url, PAGE, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS_MAX) as answer:
        storage_id = json.load(answer)["storageId"]
    address: str = server.query("files:url", {"id": storage_id})
    return address


def test_a_stored_page_is_downloaded_and_not_run(tmp_path: Path) -> None:
    types = ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/x")

    async def run(server: ServerProcess) -> None:
        async with open_browser(tmp_path / "chromium") as browser:
            page = await browser.new_page()
            await page.goto(server.url)
            for content_type in types:
                answer = await page.command("Page.navigate", url=stored(server, content_type))
                assert answer["errorText"] == "net::ERR_ABORTED", content_type  # A download.
                assert await page.evaluate("localStorage.getItem('ran')") is None

            # The script would run if it were a page: it does where the test itself shows it.
            await page.evaluate("document.body.append(document.createElement('iframe'))")
            await page.evaluate(
                f"document.querySelector('iframe').srcdoc = {json.dumps(PAGE.decode())}"
            )
            await page.wait_for("localStorage.getItem('ran') === '1'")

    app = write_app(tmp_path, {"files": FUNCTIONS})
    with ServerProcess(app, tmp_path) as server:
        asyncio.run(run(server))
