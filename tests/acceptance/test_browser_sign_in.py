"""The official ``ConvexProviderWithAuth`` in a browser, with real tokens of a local issuer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.browser import Page, open_browser
from tests.acceptance.page_build import build_page
from tests.acceptance.server_process import ServerProcess
from tests.app_folder import write_app
from tests.issuer_server import IssuerServer, run_issuer

pytestmark = [pytest.mark.browser, pytest.mark.node]

SOURCE = Path(__file__).parent / "sign_in_page"
NOTES = """
    from livefile import *

    class Note(Table, name="notes"):
        owner: str
        text: str
        by_owner = index("owner")

    def caller(ctx: QueryCtx) -> str:
        identity = ctx.auth.get_user_identity()
        return "nobody" if identity is None else str(identity["subject"])

    @query
    def whoami(ctx: QueryCtx) -> str:
        return caller(ctx)

    @query
    def mine(ctx: QueryCtx) -> list[str]:
        return [note.text for note in ctx.db.query(Note.by_owner.eq(owner=caller(ctx)))]

    @mutation
    def write(ctx: MutationCtx) -> None:
        ctx.db.insert(Note(owner=caller(ctx), text=f"of {caller(ctx)}"))
"""
AUTH_CONFIG = """
    from livefile import AuthConfig, OidcProvider

    auth = AuthConfig(OidcProvider(domain="{address}", application_id="app"))
"""
Scenario = Callable[["Visit"], Awaitable[None]]


@pytest.fixture(scope="module")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_page(SOURCE, tmp_path_factory.mktemp("sign_in_page") / "page")


@pytest.fixture
def issuer() -> Iterator[IssuerServer]:
    with run_issuer() as server:
        yield server


@pytest.fixture
def server(tmp_path: Path, built_page: Path, issuer: IssuerServer) -> Iterator[ServerProcess]:
    modules = {"notes": NOTES, "auth_config": AUTH_CONFIG.format(address=issuer.address)}
    app = write_app(tmp_path / "app", modules)
    with ServerProcess(app, tmp_path, ["--web", str(built_page)]) as process:
        yield process


class Visit:
    """One page and what it showed."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def sign_in(self, user: str) -> None:
        await self.page.evaluate(f"window.signIn({json.dumps(user)})")
        await self.wait_for_user(user)

    async def sign_out(self) -> None:
        await self.page.evaluate("window.signOut()")
        await self.wait_for_user("nobody")

    async def wait_for_user(self, user: str) -> None:
        """Wait until the page shows this user, and whether anybody is signed in."""
        element = "out" if user == "nobody" else "in"
        await self.page.wait_for(
            f"window.shown?.whoami === {json.dumps(user)} "
            f"&& document.getElementById({json.dumps(element)}) !== null"
        )

    async def write(self) -> None:
        await self.page.evaluate("window.write()")

    async def wait_for_notes(self, *notes: str) -> None:
        wanted = json.dumps(json.dumps(notes, separators=(",", ":")))
        await self.page.wait_for(f"JSON.stringify(window.shown?.mine) === {wanted}")

    async def recorded(self) -> list[Any]:
        recorded: list[Any] = await self.page.evaluate("window.recorded")
        return recorded


def run_visit(
    server: ServerProcess, issuer: IssuerServer, folder: Path, scenario: Scenario
) -> None:
    async def run() -> None:
        async with open_browser(folder / "chromium") as browser:
            page = await browser.new_page()
            visit = Visit(page)
            await page.goto(f"{server.url}/?issuer={issuer.address}&leeway=1")
            await visit.wait_for_user("nobody")
            await scenario(visit)
            for shown in await visit.recorded():
                # One transition: never one user's name over the notes of another.
                if shown["whoami"] is not None and shown["mine"] is not None:
                    assert set(shown["mine"]) <= {f"of {shown['whoami']}"}

    asyncio.run(run())


def test_users_sign_in_and_out_and_see_what_is_theirs(
    server: ServerProcess, issuer: IssuerServer, tmp_path: Path
) -> None:
    async def scenario(visit: Visit) -> None:
        await visit.sign_in("ada")
        await visit.write()
        await visit.wait_for_notes("of ada")
        await visit.sign_out()
        await visit.wait_for_notes()
        await visit.sign_in("bob")
        await visit.wait_for_notes()
        await visit.write()
        await visit.wait_for_notes("of bob")
        await visit.sign_in("ada")
        await visit.wait_for_notes("of ada")

    run_visit(server, issuer, tmp_path, scenario)

    assert issuer.requests["/keys"] == 1


def test_a_token_is_refreshed_without_anybody_noticing(
    server: ServerProcess, issuer: IssuerServer, tmp_path: Path
) -> None:
    issuer.token_duration_s = 4  # The client refreshes a second before the end.

    async def scenario(visit: Visit) -> None:
        await visit.sign_in("ada")
        await visit.write()
        await visit.wait_for_notes("of ada")
        # One to sign in, one that is fresh, and one before the end of that.
        await issuer.wait_for_requests("/token", 3)
        await visit.write()
        await visit.wait_for_notes("of ada", "of ada")
        recorded = await visit.recorded()
        begin = next(i for i, shown in enumerate(recorded) if shown["whoami"] == "ada")
        assert {shown["whoami"] for shown in recorded[begin:]} == {"ada"}

    run_visit(server, issuer, tmp_path, scenario)


def test_at_the_end_of_a_token_its_user_brings_a_new_one_or_is_signed_out(
    server: ServerProcess, issuer: IssuerServer, tmp_path: Path
) -> None:
    # To the client these last a thousand seconds, so it does not refresh them in time.
    issuer.token_age_s, issuer.token_duration_s = 1000, 6

    async def run() -> None:
        async with open_browser(tmp_path / "chromium") as browser:
            visits = {user: Visit(await browser.new_page()) for user in ("ada", "bob")}
            for user, visit in visits.items():
                await visit.page.goto(f"{server.url}/?issuer={issuer.address}&leeway=1")
                await visit.sign_in(user)
            # For each of them one to sign in, and one that is fresh.
            await issuer.wait_for_requests("/token", 4)
            issuer.token_age_s, issuer.token_duration_s = 0, 3600
            issuer.refused_users.add("bob")

            await visits["bob"].wait_for_user("nobody")
            await issuer.wait_for_requests("/token", 6)
            await visits["ada"].wait_for_user("ada")
            assert (await visits["ada"].recorded())[-1]["isAuthenticated"] is True

    asyncio.run(run())
