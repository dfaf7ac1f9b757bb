"""A headless Chromium and its pages, over the DevTools protocol.

It does what a person does (go to a page, click, type, look) and no more. Waiting happens in
the page itself, by a condition written in JavaScript.
"""

import asyncio
import base64
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

ANSWER_SECONDS_MAX = 30.0
WAIT_SECONDS_MAX = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    # A page in the background must live on as if it were in a window of its own.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--remote-debugging-port=0",
)
ADDRESS = re.compile(rb"DevTools listening on (ws://\S+)")

Answer = dict[str, Any]  # Any: decoded JSON, whose shape depends on the command.


class PageError(Exception):
    """JavaScript in the page threw, or its promise was rejected."""


def require_chromium() -> str:
    """Return the path of Chromium; skip the test without one, or fail it if that is asked."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path is not None), None)
    if found is None and os.environ.get("LIVEFILE_REQUIRE_BROWSER") == "1":
        pytest.fail("chromium not found, but LIVEFILE_REQUIRE_BROWSER=1 asks for it")
    if found is None:
        pytest.skip("chromium not found: browser tests skipped")
    return found


class Browser:
    """One Chromium. Its pages share nothing that lives in a tab, such as session storage."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Answer]] = {}

    async def new_page(self) -> "Page":
        """Open an empty page in a new tab."""
        target = await self.command("Target.createTarget", url="about:blank")
        session = await self.command(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        page = Page(self, session["sessionId"])
        await page.command("Page.enable")
        await page.command("Runtime.enable")
        return page

    async def command(self, method: str, session_id: str = "", **params: object) -> Answer:
        """Send one command and return its result."""
        command_id = next(self._ids)
        answered = asyncio.get_running_loop().create_future()
        self._answers[command_id] = answered
        message = {"id": command_id, "method": method, "params": params}
        await self._socket.send_json(message | ({"sessionId": session_id} if session_id else {}))
        seconds_max = WAIT_SECONDS_MAX + ANSWER_SECONDS_MAX
        answer: Answer = await asyncio.wait_for(answered, seconds_max)
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']}")
        result: Answer = answer["result"]
        return result

    async def read_answers(self) -> None:
        """Hand each answer to the command that waits for it, until the browser ends."""
        async for frame in self._socket:
            answer = json.loads(frame.data)
            waiting = self._answers.pop(answer.get("id"), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        for waiting in self._answers.values():
            waiting.set_exception(PageError("the browser ended"))


class Page:
    """One tab. A ``selector`` is CSS and means the first element that matches."""

    def __init__(self, browser: Browser, session_id: str) -> None:
        self._browser = browser
        self._session_id = session_id

    async def command(self, method: str, **params: object) -> Answer:
        """Send one command to this tab and return its result."""
        return await self._browser.command(method, self._session_id, **params)

    async def goto(self, url: str) -> None:
        """Load a page and wait until its scripts have run."""
        result = await self.command("Page.navigate", url=url)
        assert not result.get("errorText"), f"{url}: {result['errorText']}"
        await self.wait_for("document.readyState === 'complete'")

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; a promise is awaited."""
        answer = await self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    async def wait_for(self, condition: str, seconds_max: float = WAIT_SECONDS_MAX) -> None:
        """Wait until a JavaScript expression is true."""
        source = f"""new Promise((resolve, reject) => {{
            const deadline = performance.now() + {seconds_max * 1000};
            const look = () => {{
                if ({condition}) resolve();
                else if (performance.now() > deadline) reject(new Error("waited in vain"));
                else setTimeout(look, 10);
            }};
            look();
        }})"""
        try:
            await self.evaluate(source)
        except PageError as error:
            shown = await self.evaluate("document.body.innerText")
            raise TimeoutError(f"{condition}: {error}; the page shows:\n{shown}") from error

    async def click(self, selector: str) -> None:
        """Click the middle of an element."""
        await self.command("Page.bringToFront")
        place = await self.evaluate(
            f"""(() => {{
                const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
                return {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }};
            }})()"""
        )
        for action in ("mousePressed", "mouseReleased"):
            await self.command(
                "Input.dispatchMouseEvent", type=action, button="left", clickCount=1, **place
            )

    async def type(self, selector: str, text: str) -> None:
        """Focus an input, replace what is in it and leave it focused."""
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.command("Input.insertText", text=text)

    async def press_enter(self) -> None:
        """Press and release the Enter key."""
        key: Mapping[str, object] = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        await self.command("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
        await self.command("Input.dispatchKeyEvent", type="keyUp", **key)

    async def screenshot(self) -> bytes:
        """Return what the page shows as a PNG picture."""
        answer = await self.command("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])


@asynccontextmanager
async def open_browser(folder: Path) -> AsyncIterator[Browser]:
    """Start a Chromium that keeps its profile in ``folder``, and end it."""
    process = await asyncio.create_subprocess_exec(
        require_chromium(),
        *FLAGS,
        f"--user-data-dir={folder}",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        address = await asyncio.wait_for(_devtools_address(process.stderr), ANSWER_SECONDS_MAX)
        # The rest of its chatter must be read, or the pipe fills and the browser stops.
        drain = asyncio.create_task(process.stderr.read())
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(address, max_msg_size=0) as socket,
        ):
            browser = Browser(socket)
            reader = asyncio.create_task(browser.read_answers())
            try:
                yield browser
            finally:
                await browser.command("Browser.close")
                await reader
    finally:
        if process.returncode is None:
            try:
                await asyncio.wait_for(process.wait(), ANSWER_SECONDS_MAX)
            except TimeoutError:
                process.kill()
                await process.wait()
    await drain


async def _devtools_address(stderr: asyncio.StreamReader) -> str:
    chatter = b""
    while line := await stderr.readline():
        chatter += line
        found = ADDRESS.search(line)
        if found is not None:
            return found.group(1).decode()
    raise PageError(f"chromium ended without an address:\n{chatter.decode(errors='replace')}")
