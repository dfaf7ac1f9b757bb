"""The official ``usePaginatedQuery`` in a browser: pages without gaps, whatever comes and goes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from tests.acceptance.browser import Page, open_browser
from tests.acceptance.conftest import copy_app
from tests.acceptance.page_build import build_page
from tests.acceptance.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.node]

SOURCE = Path(__file__).parent / "cards_page"
PAGE_SIZE = 4


@pytest.fixture(scope="module")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_page(SOURCE, tmp_path_factory.mktemp("cards_page") / "page")


@pytest.fixture
def deck_server(tmp_path: Path, built_page: Path) -> Iterator[ServerProcess]:
    app = copy_app("conformance", tmp_path)
    with ServerProcess(app, tmp_path, ["--web", str(built_page)]) as process:
        yield process


class Deck:
    """A deck on the server and the page that shows it, with every state that the deck had."""

    def __init__(self, server: ServerProcess, page: Page, is_downwards: bool) -> None:
        self.server = server
        self.page = page
        self.is_downwards = is_downwards
        self.states: list[list[float]] = [[]]

    def put(self, *ranks: float) -> None:
        self._change("put", ranks)

    def drop(self, *ranks: float) -> None:
        self._change("drop", ranks)

    def _change(self, name: str, ranks: Sequence[float]) -> None:
        self.server.mutation(f"cards:{name}", {"deck": "d", "ranks": list(ranks)})
        self.states.append(self.read())

    def read(self) -> list[float]:
        """Return the whole deck in the order of the page, read anew."""
        found: list[float] = self.server.query("cards:ranks", {"deck": "d"})
        return found[::-1] if self.is_downwards else found

    async def load_more(self) -> None:
        """Ask for one more page and wait until it is there."""
        await self.wait_until_loaded()
        await self.page.evaluate("window.loadMore()")
        await self.wait_until_loaded()

    async def wait_until_loaded(self) -> None:
        await self.page.wait_for(
            "window.shown && ['CanLoadMore', 'Exhausted'].includes(window.shown.status)"
        )

    async def load_all(self) -> None:
        while await self.status() != "Exhausted":
            await self.load_more()

    async def status(self) -> str:
        await self.wait_until_loaded()
        status: str = await self.page.evaluate("window.shown.status")
        return status

    async def wait_for(self, ranks: list[float]) -> None:
        """Wait until the page shows exactly these ranks."""
        await self.page.wait_for(f"JSON.stringify(window.shown.ranks) === {_quoted(ranks)}")

    async def wait_for_a_prefix(self, last: float) -> list[float]:
        """Wait until the page shows the deck of this moment up to a rank, and return that."""
        whole = self.read()
        wanted = whole[: whole.index(last) + 1]
        await self.wait_for(wanted)
        return wanted

    async def check_all_that_was_shown(self) -> None:
        """Check that the page never showed anything but the beginning of a state of the deck."""
        recorded: list[list[float]] = await self.page.evaluate("window.recorded")
        assert len(recorded) > 2
        for ranks in recorded:
            assert any(ranks == state[: len(ranks)] for state in self.states), ranks


def _quoted(ranks: list[float]) -> str:
    numbers = [int(rank) if rank.is_integer() else rank for rank in map(float, ranks)]
    return json.dumps(json.dumps(numbers, separators=(",", ":")))


Scenario = Callable[[Deck], Awaitable[None]]


def run_with_deck(server: ServerProcess, folder: Path, scenario: Scenario, how: str) -> None:
    """Run a scenario in a browser; ``how`` is the page's address, as ``hook=new&query=up``."""

    async def run() -> None:
        async with open_browser(folder / "chromium") as browser:
            page = await browser.new_page()
            deck = Deck(server, page, is_downwards="query=down" in how)
            deck.put(*range(0, 200, 10))
            await page.goto(f"{server.url}/?{how}")
            await scenario(deck)
            await deck.check_all_that_was_shown()

    asyncio.run(run())


ALL_WAYS = [f"hook={hook}&query={query}" for hook in ("plain", "new") for query in ("up", "down")]


@pytest.mark.parametrize("how", ALL_WAYS)
def test_rows_that_come_and_go_leave_no_gap(
    deck_server: ServerProcess, tmp_path: Path, how: str
) -> None:
    async def scenario(deck: Deck) -> None:
        await deck.load_more()
        await deck.load_more()
        whole = deck.read()
        await deck.wait_for(whole[:12])
        last = whole[11]

        deck.put(75, 72, 115)  # Inside of pages,
        await deck.wait_for_a_prefix(last)
        deck.drop(*whole[2:6])  # over the border of two,
        await deck.wait_for_a_prefix(last)
        border = whole[3] + 1
        deck.put(border, whole[7] - 1, whole[7] + 1)  # at a border,
        await deck.wait_for_a_prefix(last)
        deck.drop(*whole[8:11])  # and nearly a whole page.
        await deck.wait_for_a_prefix(last)
        await deck.load_all()
        await deck.wait_for(deck.read())

    run_with_deck(deck_server, tmp_path, scenario, how)


@pytest.mark.parametrize("how", ALL_WAYS)
def test_a_page_that_grew_is_split_and_nothing_is_lost(
    deck_server: ServerProcess, tmp_path: Path, how: str
) -> None:
    async def scenario(deck: Deck) -> None:
        await deck.load_more()
        whole = deck.read()
        await deck.wait_for(whole[:8])
        inside = min(whole[1], whole[2])
        for number in range(1, 10):  # Past twice the size of a page, a client splits it.
            deck.put(inside + number)
            await deck.wait_for_a_prefix(whole[7])
        deck.drop(inside + 3, inside + 4, whole[0])
        await deck.wait_for_a_prefix(whole[7])
        deck.put(inside + 0.5, inside + 3.5, inside + 9.5)
        await deck.wait_for_a_prefix(whole[7])
        await deck.load_all()
        await deck.wait_for(deck.read())

    run_with_deck(deck_server, tmp_path, scenario, how)


@pytest.mark.parametrize("how", ALL_WAYS)
def test_pages_keep_their_ends_over_a_reconnection(
    deck_server: ServerProcess, tmp_path: Path, how: str
) -> None:
    async def scenario(deck: Deck) -> None:
        await deck.load_more()
        whole = deck.read()
        last = whole[7]
        await deck.wait_for(whole[:8])
        inside = min(whole[1], whole[2])
        deck.put(inside + 1, inside + 2)  # The first page has six rows now.
        await deck.wait_for_a_prefix(last)

        deck_server.kill()
        deck_server.start()
        deck.put(inside + 3)
        await deck.wait_for_a_prefix(last)
        deck.drop(whole[4])
        await deck.wait_for_a_prefix(last)
        await deck.load_all()
        await deck.wait_for(deck.read())

    run_with_deck(deck_server, tmp_path, scenario, how)


@pytest.mark.parametrize("seed", range(2))
def test_a_random_history_is_always_shown_as_it_was(
    deck_server: ServerProcess, tmp_path: Path, seed: int
) -> None:
    dice = Random(seed)

    async def scenario(deck: Deck) -> None:
        for step in range(40):
            ranks = [dice.randrange(1000) / 5 for _ in range(dice.randrange(1, 5))]
            if dice.randrange(2):
                deck.put(*{rank for rank in ranks if rank not in deck.states[-1]})
            elif deck.states[-1]:
                deck.drop(*{dice.choice(deck.states[-1]) for _ in ranks})
            if step % 6 == 0:
                await deck.load_more()
            if step == 25:
                deck_server.kill()
                deck_server.start()
        await deck.load_all()
        await deck.wait_for(deck.read())

    run_with_deck(deck_server, tmp_path, scenario, ALL_WAYS[seed])
