"""The chat page in a browser tab: sign in, send, and read what is shown."""

import json
from typing import Any

from tests.acceptance.browser import Browser, Page

# The rows as the page shows them: [text, whether it is pending], the oldest first.
ROWS = """Array.from(document.querySelectorAll("[data-testid=message]"), (row) => [
    row.querySelector(".body").textContent,
    row.dataset.pending === "true",
])"""

# Keeps every list of rows that was ever rendered. An observer is called after each change of
# the page by React and before the browser paints, so it misses nothing that a person can see.
RECORDER = f"""(() => {{
    window.recorded = [JSON.stringify({ROWS})];
    new MutationObserver(() => {{
        const rows = JSON.stringify({ROWS});
        if (rows !== window.recorded.at(-1)) window.recorded.push(rows);
    }}).observe(document.body, {{
        attributes: true, characterData: true, childList: true, subtree: true,
    }});
}})()"""

Row = tuple[str, bool]


class ChatPage:
    """One tab with somebody signed in."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def send(self, body: str) -> None:
        """Type a message and press Enter."""
        await self.page.type("[data-testid=body]", body)
        await self.page.wait_for("!document.querySelector('[data-testid=send]').disabled")
        await self.page.press_enter()

    async def rows(self) -> list[Row]:
        """Return the rows that are shown: (text, whether it is pending), the oldest first."""
        shown: list[tuple[str, bool]] = [tuple(row) for row in await self.page.evaluate(ROWS)]
        return shown

    async def wait_for_row(self, body: str, *, is_pending: bool) -> None:
        """Wait until a message is shown in the given state."""
        wanted = f"row[0] === {json.dumps(body)} && row[1] === {json.dumps(is_pending)}"
        await self.page.wait_for(f"{ROWS}.some((row) => {wanted})")

    async def wait_for_connection(self, state: str) -> None:
        """Wait until the page says ``live`` or ``reconnecting``."""
        await self.page.wait_for(
            f"document.querySelector('[data-testid=connection]').dataset.state === '{state}'"
        )

    async def start_recording(self) -> None:
        """Keep every list of rows from now on."""
        await self.page.evaluate(RECORDER)

    async def recording(self) -> list[list[Row]]:
        """Return every list of rows that was rendered since the recording started."""
        texts: list[Any] = await self.page.evaluate("window.recorded")
        return [[(body, pending) for body, pending in json.loads(text)] for text in texts]


async def open_chat(browser: Browser, url: str, name: str) -> ChatPage:
    """Open the page in a new tab, sign in and wait until messages can be sent."""
    page = await browser.new_page()
    await page.goto(url)
    await page.wait_for("document.querySelector('[data-testid=name]') !== null")
    await page.type("[data-testid=name]", name)
    await page.click("[data-testid=sign-in]")
    await page.wait_for("document.querySelector('[data-testid=body]') !== null")
    chat = ChatPage(page)
    await chat.wait_for_connection("live")
    await page.wait_for("document.querySelector('main').ariaBusy === 'false'")
    return chat
