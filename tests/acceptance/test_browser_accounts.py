"""The accounts example in a browser: users who sign up, in and out at the deployment itself."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.browser import Browser, Page, PageError, open_browser
from tests.acceptance.conftest import copy_app
from tests.acceptance.page_build import build_page
from tests.acceptance.server_process import ROOT, ServerProcess
from tests.oauth_issuer import CLIENT_ID, CLIENT_SECRET, run_oauth_issuer

pytestmark = [pytest.mark.browser, pytest.mark.node]

Scenario = Callable[[Browser, Page], Awaitable[None]]
CODE = re.compile(r"Code for ada@example\.com: (\d{8}) ")
SIGNED_OUT = "document.getElementById('sign-in-form') !== null"


@pytest.fixture(scope="module")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = ROOT / "fixtures" / "accounts" / "web"
    return build_page(source, tmp_path_factory.mktemp("accounts_page") / "page")


@pytest.fixture
def server(tmp_path: Path, built_page: Path) -> Iterator[ServerProcess]:
    app = copy_app("accounts", tmp_path)
    with ServerProcess(app, tmp_path, ["--web", str(built_page)]) as process:
        yield process


def run_scenario(server: ServerProcess, folder: Path, scenario: Scenario) -> None:
    async def run() -> None:
        async with open_browser(folder / "chromium") as browser:
            page = await browser.new_page()
            await page.goto(server.url)
            await page.wait_for(SIGNED_OUT)
            await scenario(browser, page)

    asyncio.run(run())


def shows(id: str, text: str) -> str:
    return f"document.getElementById({json.dumps(id)})?.innerText === {json.dumps(text)}"


async def wait_over_pages(page: Page, condition: str) -> None:
    """Wait for a condition while one page leads to another, each of which ends the waiting."""
    look = f"() => ({condition}) ? resolve(true) : setTimeout(look, 10)"
    while True:
        with suppress(PageError):  # The page has gone in which it was waited.
            await page.evaluate(f"new Promise((resolve) => {{ const look = {look}; look(); }})")
            return


async def sign_up(server: ServerProcess, page: Page, password: str = "correct horse") -> None:
    await page.type("[name=email]", "ada@example.com")
    await page.type("[name=password]", password)
    await page.click("#sign-up")
    await page.wait_for("document.getElementById('code-form') !== null")
    # It was printed before the page had its ticket.
    code = CODE.findall(server.read_output())[-1]
    await page.type("[name=code]", code)
    await page.click("#verify")
    await page.wait_for(shows("me", "ada@example.com"))


async def write(page: Page, text: str) -> None:
    await page.type("[name=text]", text)
    await page.click("#write")


def test_a_user_signs_up_writes_and_finds_it_again(server: ServerProcess, tmp_path: Path) -> None:
    async def scenario(browser: Browser, page: Page) -> None:
        await sign_up(server, page)
        await write(page, "mine")
        await page.wait_for(shows("notes", "mine"))
        await page.goto(server.url)
        await page.wait_for(shows("notes", "mine"))
        await page.click("#sign-out")
        await page.wait_for(SIGNED_OUT)
        await page.type("[name=email]", "ada@example.com")
        await page.type("[name=password]", "wrong password")
        await page.click("#sign-in")
        await page.wait_for(shows("error", "The e-mail address or the password is wrong"))
        await page.type("[name=password]", "correct horse")
        await page.click("#sign-in")
        await page.wait_for(shows("notes", "mine"))

    run_scenario(server, tmp_path, scenario)

    assert "correct horse" not in server.read_output()


def test_a_guest_keeps_the_notes_when_signing_up(server: ServerProcess, tmp_path: Path) -> None:
    async def scenario(browser: Browser, page: Page) -> None:
        await page.click("#guest")
        await page.wait_for(shows("me", "a guest"))
        await write(page, "of a guest")
        await page.wait_for(shows("notes", "of a guest"))
        done = await page.evaluate(
            """(async () => {
                const kept = JSON.parse(localStorage.getItem("livefile-session"));
                const post = (route, body, token) => fetch(`/api/auth/${route}`, {
                    method: "POST",
                    headers: {"Content-Type": "application/json", ...token},
                    body: JSON.stringify(body),
                }).then((response) => response.json());
                const {accessToken} = await post("refresh", kept);
                const asked = {email: "ada@example.com", purpose: "signIn"};
                const {ticket} = await post("request_code", asked);
                window.finish = async (code) => (await post(
                    "verify_code", {ticket, code}, {Authorization: `Bearer ${accessToken}`}
                )).userId;
                return kept.userId;
            })()"""
        )
        code = CODE.findall(server.read_output())[-1]
        assert await page.evaluate(f"finish({json.dumps(code)})") == done

    run_scenario(server, tmp_path, scenario)


def test_a_refresh_under_way_does_not_undo_a_sign_out(
    server: ServerProcess, tmp_path: Path
) -> None:
    async def scenario(browser: Browser, page: Page) -> None:
        await sign_up(server, page)
        left = await page.evaluate(
            """(async () => {
                const fetched = window.fetch;
                const signedOut = Promise.withResolvers();
                const answered = new Promise((resolve) => {
                    window.fetch = async (...request) => {
                        const response = await fetched(...request);
                        if (!request[0].endsWith("/refresh")) return response;
                        resolve();
                        await signedOut.promise;
                        return response;
                    };
                });
                const token = auth.accessToken(true);
                await answered;
                await auth.signOut();
                signedOut.resolve();
                return [await token, auth.userId()];
            })()"""
        )
        assert left == [None, None]
        await page.wait_for(SIGNED_OUT)

    run_scenario(server, tmp_path, scenario)


def test_tabs_share_one_session_and_its_end(server: ServerProcess, tmp_path: Path) -> None:
    async def scenario(browser: Browser, page: Page) -> None:
        await sign_up(server, page)
        other = await browser.new_page()
        await other.goto(server.url)
        await other.wait_for(shows("me", "ada@example.com"))
        # Both exchange the one token that they share, at one time and again.
        await asyncio.gather(page.goto(server.url), other.goto(server.url))
        await page.wait_for(shows("me", "ada@example.com"))
        await other.wait_for(shows("me", "ada@example.com"))
        await page.click("#sign-out")
        await other.wait_for(SIGNED_OUT)

    run_scenario(server, tmp_path, scenario)


def test_a_user_signs_in_at_another_issuer(tmp_path: Path, built_page: Path) -> None:
    app = copy_app("accounts", tmp_path)
    with run_oauth_issuer() as issuer:
        (app / "accounts" / "auth_config.py").write_text(
            "from livefile import AuthConfig\n"
            "from livefile.accounts import Accounts, OAuth\n"
            f"auth = AuthConfig(Accounts(OAuth('here', issuer={issuer.address!r}, "
            f"client_id={CLIENT_ID!r}, client_secret={CLIENT_SECRET!r})))\n"
        )

        async def scenario(browser: Browser, page: Page) -> None:
            await page.evaluate("void auth.startOAuth('here')")
            await wait_over_pages(page, shows("me", "Ada"))
            assert await page.evaluate("location.hash") == ""
            await write(page, "mine")
            await page.wait_for(shows("notes", "mine"))

        with ServerProcess(app, tmp_path, ["--web", str(built_page)]) as server:
            run_scenario(server, tmp_path, scenario)

        assert issuer.refusals == []
