"""One deployment in Python and TypeScript: calls both ways, one transaction, one page."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.browser import open_browser
from tests.acceptance.conftest import connected_client
from tests.acceptance.convex_project import ConvexProject
from tests.acceptance.node_client import NodeClient, NodeFunctionError
from tests.acceptance.page_build import build_page
from tests.acceptance.server_process import ROOT, ServerProcess

pytestmark = pytest.mark.node

SHOP = ROOT / "fixtures" / "two-languages"


@pytest.fixture(scope="module")
def shop_project(tmp_path_factory: pytest.TempPathFactory) -> ConvexProject:
    return ConvexProject(SHOP, tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture(scope="module")
def shop(
    shop_project: ConvexProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """The shop, with both parts. Each test has an item of its own."""
    folder = tmp_path_factory.mktemp("shop_deployment")
    page = build_page(SHOP, folder / "page")
    # The Python code runs from a copy of its own: pushing writes into the project.
    shutil.copytree(shop_project.folder / "warehouse", folder / "app" / "warehouse")
    with ServerProcess(folder / "app", folder, ["--web", str(page)]) as server:
        shop_project.push(server)
        yield server


@pytest.fixture
def client(shop: ServerProcess) -> Iterator[NodeClient]:
    with connected_client(shop.url) as node:
        yield node


def orders(client: NodeClient, item: str) -> list[tuple[float, bool]]:
    found = client.call("query", path="orders:list", args={"item": item})
    return [(order["amount"], order["isDelivered"]) for order in found]


def stock(client: NodeClient, item: str) -> float:
    count: float = client.call("query", path="stock:count", args={"name": item})
    return count


def test_a_python_action_calls_a_typescript_mutation(client: NodeClient) -> None:
    client.call("mutation", path="stock:put", args={"name": "nail", "count": 3})

    args = {"name": "nail", "wanted": 10}
    order = client.call("action", path="stock:order_missing", args=args)

    found = client.call("query", path="orders:list", args={"item": "nail"})
    assert [(each["_id"], each["amount"]) for each in found] == [(order, 7)]


def test_data_of_an_error_cross_the_languages(client: NodeClient) -> None:
    client.call("mutation", path="stock:put", args={"name": "plenty", "count": 5})

    with pytest.raises(NodeFunctionError) as caught:
        client.call("action", path="stock:order_missing", args={"name": "plenty", "wanted": 5})

    assert caught.value.data == {"code": "nothing to order", "item": "plenty", "amount": 0}


def test_both_are_part_of_one_transaction(client: NodeClient) -> None:
    args = {"item": "screw", "amount": 4}
    order = client.call("mutation", path="orders:place", args=args)
    assert client.call("mutation", path="orders:deliver", args={"order": order}) == 4
    assert (stock(client, "screw"), orders(client, "screw")) == (4, [(4, True)])

    with pytest.raises(NodeFunctionError) as caught:
        client.call("mutation", path="orders:deliver", args={"order": order})
    assert caught.value.data == "no such order is open"
    assert stock(client, "screw") == 4


def test_what_fails_in_typescript_is_undone_in_python(client: NodeClient) -> None:
    # An inner mutation fills the stock by 1000 in Python, and then throws in TypeScript.
    args = {"item": "washer", "wanted": 6}

    assert client.call("action", path="orders:fillUp", args=args) == 6

    assert (stock(client, "washer"), orders(client, "washer")) == (6, [(6, True)])


def test_python_schedules_typescript(client: NodeClient) -> None:
    client.call("subscribe", name="orders", path="orders:list", args={"item": "hinge"})

    client.call("mutation", path="stock:note_later", args={"name": "hinge", "amount": 2})

    client.wait_for(
        lambda event: (
            event["event"] == "update"
            and event["name"] == "orders"
            and [order["amount"] for order in event["value"]] == [2]
        )
    )


def test_both_are_there_after_a_restart(shop: ServerProcess) -> None:
    with connected_client(shop.url) as client:
        client.call("mutation", path="stock:put", args={"name": "kept", "count": 1})
        client.call("mutation", path="orders:place", args={"item": "kept", "amount": 2})

    shop.restart()

    with connected_client(shop.url) as client:
        assert (stock(client, "kept"), orders(client, "kept")) == (1, [(2, False)])


def test_a_function_of_both_languages_is_refused_by_name(
    shop: ServerProcess, shop_project: ConvexProject
) -> None:
    clash = shop_project.functions / "stock.ts"
    orders_again = (shop_project.functions / "orders.ts").read_text()
    clash.write_text(orders_again.replace("export const list", "export const count"))
    try:
        words = ("dev", "--once", "--tail-logs", "disable", "--typecheck", "disable")
        done = shop_project.convex(shop, *words)
    finally:
        clash.unlink()

    assert done.returncode == 1
    assert "stock:count" in done.stderr
    # What was there before serves on.
    assert shop.query("stock:count", {"name": "never put"}) == 0


@pytest.mark.browser
def test_a_page_uses_both(shop: ServerProcess, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_browser(tmp_path / "chromium") as browser:
            page = await browser.new_page()
            await page.goto(shop.url)
            await page.wait_for("document.querySelector('[data-testid=count]').innerText === '0'")
            await page.click("[data-testid=fill-up]")
            await page.wait_for("document.querySelector('[data-testid=count]').innerText === '12'")
            await page.wait_for(
                "document.querySelector('[data-testid=order]').innerText === '12 delivered'"
            )

    asyncio.run(scenario())
