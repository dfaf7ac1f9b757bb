"""The main job, in real browser tabs: what one sends, the others show, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.acceptance.browser import Browser, open_browser
from tests.acceptance.chat_page import Row, open_chat
from tests.acceptance.muting_proxy import MutingProxy
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.browser

Scenario = Callable[[Browser], Awaitable[None]]


def run_in_browser(scenario: Scenario, folder: Path) -> None:
    async def run() -> None:
        async with open_browser(folder / "chromium") as browser:
            await scenario(browser)

    asyncio.run(run())


def stored_bodies(server: ServerProcess) -> list[str]:
    """Return the texts that the server holds, the oldest first."""
    found = server.query("messages:list", {"channel": "general"})
    return [message["body"] for message in reversed(found)]


def bodies(rows: list[Row]) -> list[str]:
    return [body for body, _ in rows]


def test_what_one_tab_sends_the_other_shows(chat_server: ServerProcess, tmp_path: Path) -> None:
    async def scenario(browser: Browser) -> None:
        ada = await open_chat(browser, chat_server.url, "Ada")
        grace = await open_chat(browser, chat_server.url, "Grace")

        await ada.send("Hello, Grace")
        await grace.wait_for_row("Hello, Grace", is_pending=False)
        await grace.send("Hello, Ada")
        await ada.wait_for_row("Hello, Ada", is_pending=False)
        # Ada may be told of it before Grace is.
        await grace.wait_for_row("Hello, Ada", is_pending=False)

        expected = [("Hello, Grace", False), ("Hello, Ada", False)]
        assert await ada.rows() == expected
        assert await grace.rows() == expected
        await grace.page.wait_for("document.querySelector('.author').textContent === 'Ada'")

    run_in_browser(scenario, tmp_path)


def test_a_tab_shows_only_its_channel(chat_server: ServerProcess, tmp_path: Path) -> None:
    async def scenario(browser: Browser) -> None:
        ada = await open_chat(browser, chat_server.url, "Ada")
        await ada.send("in general")
        await ada.wait_for_row("in general", is_pending=False)

        await ada.page.type("[data-testid=channel]", "elsewhere")
        await ada.page.wait_for("document.querySelector('.empty') !== null")
        await ada.send("in elsewhere")
        await ada.wait_for_row("in elsewhere", is_pending=False)

        assert await ada.rows() == [("in elsewhere", False)]
        assert stored_bodies(chat_server) == ["in general"]

    run_in_browser(scenario, tmp_path)


def test_an_optimistic_row_settles_without_flicker_or_double(
    chat_server: ServerProcess, tmp_path: Path
) -> None:
    sent = [f"message {number}" for number in range(10)]

    async def scenario(browser: Browser) -> None:
        ada = await open_chat(browser, chat_server.url, "Ada")
        await ada.start_recording()
        for body in sent:
            await ada.send(body)
        for body in sent:
            await ada.wait_for_row(body, is_pending=False)

        recording = await ada.recording()
        for body in sent:
            assert_shown_once_and_kept(recording, body)
        assert recording[-1] == [(body, False) for body in sent]

    run_in_browser(scenario, tmp_path)


def assert_shown_once_and_kept(recording: list[list[Row]], body: str) -> None:
    """Check one message's way through all lists of rows: absent, pending, settled."""
    counts = [bodies(rows).count(body) for rows in recording]
    first = counts.index(1)
    states = [pending for rows in recording for shown, pending in rows if shown == body]
    settled = states.index(False)

    assert counts[:first] == [0] * first, f"{body!r} was shown twice: {counts}"
    assert set(counts[first:]) == {1}, f"{body!r} vanished or was shown twice: {counts}"
    assert settled > 0, f"{body!r} was never shown as pending"
    assert not any(states[settled:]), f"{body!r} went back to pending: {states}"


def test_a_message_sent_while_the_server_was_killed_arrives_once(
    chat_server: ServerProcess, tmp_path: Path
) -> None:
    async def scenario(browser: Browser) -> None:
        ada = await open_chat(browser, chat_server.url, "Ada")
        grace = await open_chat(browser, chat_server.url, "Grace")
        await ada.send("before")
        await ada.wait_for_row("before", is_pending=False)

        chat_server.kill()
        await ada.wait_for_connection("reconnecting")
        await ada.send("meanwhile")
        await ada.wait_for_row("meanwhile", is_pending=True)
        chat_server.start()
        await ada.wait_for_row("meanwhile", is_pending=False)
        await grace.wait_for_row("meanwhile", is_pending=False)

        await grace.send("after")
        await ada.wait_for_row("after", is_pending=False)
        assert stored_bodies(chat_server) == ["before", "meanwhile", "after"]
        assert bodies(await ada.rows()) == ["before", "meanwhile", "after"]

    run_in_browser(scenario, tmp_path)


def test_a_stored_message_without_an_answer_is_not_stored_again(
    chat_server: ServerProcess, tmp_path: Path
) -> None:
    async def scenario(browser: Browser) -> None:
        with MutingProxy(chat_server.url) as proxy:
            ada = await open_chat(browser, proxy.url, "Ada")
            await ada.send("answered")
            await ada.wait_for_row("answered", is_pending=False)
            proxy.is_muted = True
            await ada.send("unanswered")
            while stored_bodies(chat_server) != ["answered", "unanswered"]:
                assert await ada.rows() == [("answered", False), ("unanswered", True)]
            chat_server.kill()
            proxy.is_muted = False
            chat_server.start()
            await ada.wait_for_row("unanswered", is_pending=False)
            await ada.send("after")
            await ada.wait_for_row("after", is_pending=False)

            assert stored_bodies(chat_server) == ["answered", "unanswered", "after"]
            assert bodies(await ada.rows()) == ["answered", "unanswered", "after"]

    run_in_browser(scenario, tmp_path)


def test_a_kill_in_a_stream_of_messages_loses_and_doubles_nothing(
    chat_server: ServerProcess, tmp_path: Path
) -> None:
    sent = [f"message {number}" for number in range(20)]

    async def scenario(browser: Browser) -> None:
        ada = await open_chat(browser, chat_server.url, "Ada")
        await ada.start_recording()
        for body in sent[:10]:
            await ada.send(body)
        chat_server.kill()
        for body in sent[10:]:
            await ada.send(body)
        chat_server.start()
        for body in sent:
            await ada.wait_for_row(body, is_pending=False)

        assert stored_bodies(chat_server) == sent
        assert bodies(await ada.rows()) == sent
        # A mutation that was committed but not answered may show twice for a moment: the client
        # asks for its queries before it repeats its mutations.
        for body in sent:
            counts = [bodies(rows).count(body) for rows in await ada.recording()]
            assert 0 not in counts[counts.index(1) :], f"{body!r} vanished: {counts}"

    run_in_browser(scenario, tmp_path)
