"""An app with a secret in every place from which one could leak, and a server in front of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livefile import Livefile
from livefile_server.web.serve import ServerSettings
from tests.app_folder import write_app
from tests.server.running_server import RunningServer, run_in_background

SHOP = """
    from livefile import *

    class Order(Table, name="orders"):
        item: str

    @query
    def orders(ctx: QueryCtx) -> list[str]:
        print("CANARY-printed-by-query")
        return [order.item for order in ctx.db.query(Order)]

    @mutation
    def order(ctx: MutationCtx, item: str) -> None:
        print("CANARY-printed-by-mutation")
        ctx.db.insert(Order(item=item))

    @query
    def key_length(ctx: QueryCtx) -> int:
        return len(ctx.env.get("API_KEY", ""))

    @mutation
    def keep_key_length(ctx: MutationCtx) -> int:
        ctx.db.insert(Order(item=str(len(ctx.env["API_KEY"]))))
        return len(ctx.env["API_KEY"])

    @action
    async def read_key_length(ctx: ActionCtx) -> int:
        return len(ctx.env["API_KEY"])

    @query
    def address(ctx: QueryCtx) -> str:
        return ctx.env["CONVEX_CLOUD_URL"]

    @query
    def fail_query(ctx: QueryCtx) -> None:
        print("CANARY-printed-by-failure")
        raise ValueError("CANARY-in-query-error")

    @mutation
    def fail_mutation(ctx: MutationCtx) -> None:
        raise ValueError("CANARY-in-mutation-error")

    @action
    async def fail_action(ctx: ActionCtx) -> None:
        print("CANARY-printed-by-action")
        raise ValueError("CANARY-in-action-error")

    @query
    def refuse(ctx: QueryCtx) -> None:
        raise ConvexError({"reason": "meant for the client"})

    @mutation
    def sign_up(ctx: MutationCtx, name: str, age: int) -> None:
        pass
"""
HTTP = """
    from livefile import *

    http = HttpRouter()

    @http.get("/fail")
    async def fail(ctx: HttpActionCtx, request: Request) -> Response:
        raise ValueError("CANARY-in-http-error")
"""


@contextmanager
def observed_server(folder: Path, *, redacts_errors: bool) -> Iterator[RunningServer]:
    app = write_app(folder, {"shop": SHOP, "http": HTTP})
    settings = ServerSettings(port=0, redacts_errors=redacts_errors)
    with (
        Livefile.open(folder / "shop.db", app) as livefile,
        run_in_background(livefile, settings=settings) as server,
    ):
        yield server


def admin(server: RunningServer) -> dict[str, str]:
    return {"Authorization": f"Convex {server.admin_key}"}
