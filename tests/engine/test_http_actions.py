from collections.abc import Sequence
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from livefile import (
    App,
    AppError,
    CallRecord,
    ClosedError,
    Failure,
    FunctionKind,
    HttpAnswer,
    HttpCall,
    HttpOutcome,
    Identity,
    Livefile,
    LivefileError,
    UnauthenticatedError,
    limits,
)
from tests.app_folder import write_app

WAIT_S = 30

HOOKS = """
    import asyncio
    import threading
    from livefile import *

    http = HttpRouter()
    is_there, has_ended = threading.Event(), threading.Event()

    class Hook(Table, name="hooks"):
        text: str
        sender: str

    @internal.mutation
    def keep(ctx: MutationCtx, text: str) -> int:
        identity = ctx.auth.get_user_identity()
        sender = "nobody" if identity is None else str(identity["subject"])
        ctx.db.insert(Hook(text=text, sender=sender))
        return len(ctx.db.query(Hook).collect())

    @query
    def senders(ctx: QueryCtx) -> list[str]:
        return [hook.sender for hook in ctx.db.query(Hook).collect()]

    @query
    def hooks(ctx: QueryCtx) -> list[Hook]:
        return ctx.db.query(Hook).collect()

    @internal.action
    async def shout(ctx: ActionCtx, text: str) -> str:
        return text.upper()

    @http.post("/hooks")
    async def hook(ctx: HttpActionCtx, request: Request) -> Response:
        print("a hook")
        text = await ctx.run_action(shout, text=await request.text())
        return Response(str(await ctx.run_mutation(keep, text=text)), status=201)

    @http.get("/hooks")
    async def listed(ctx: HttpActionCtx, request: Request) -> Response:
        return Response.json(await ctx.run_query(hooks))

    @http.get("/who")
    async def who(ctx: HttpActionCtx, request: Request) -> Response:
        identity = ctx.auth.get_user_identity()
        return Response("nobody" if identity is None else str(identity["subject"]))

    @http.get("/fail")
    async def fail(ctx: HttpActionCtx, request: Request) -> Response:
        raise ConvexError({"reason": "as asked"})

    @http.get("/none")
    async def none(ctx: HttpActionCtx, request: Request) -> Response:
        return None

    @http.get("/large")
    async def large(ctx: HttpActionCtx, request: Request) -> Response:
        return Response(bytes(int(request.query["size"])))

    @http.get("/pieces")
    async def pieces(ctx: HttpActionCtx, request: Request) -> Response:
        async def each():
            try:
                for number in range(int(request.query["count"])):
                    yield f"{number}"
                    yield b""
            finally:
                has_ended.set()
        return Response(each())

    @http.get("/wait")
    async def wait(ctx: HttpActionCtx, request: Request) -> Response:
        is_there.set()
        try:
            await asyncio.sleep(1_000)
        finally:
            has_ended.set()
"""


class Caller:
    """A request's connection: what it sends, and what it was sent."""

    def __init__(self, pieces: Sequence[bytes] = (), takes: int | None = None) -> None:
        self._pieces = [*pieces, b""]
        self._takes = takes
        self.status: int | None = None
        self.taken: list[bytes] = []
        self.outcomes: Queue[HttpOutcome | LivefileError] = Queue()

    async def read(self) -> bytes:
        return self._pieces.pop(0)

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self.status = status

    async def write(self, piece: bytes) -> None:
        if len(self.taken) == self._takes:
            raise ConnectionResetError("the caller has gone")
        self.taken.append(piece)

    def ask(self, livefile: Livefile, method: str, path: str, **options: Any) -> Any:
        # Any: each test knows what comes.
        self.begin(livefile, method, path, **options)
        return self.outcomes.get(timeout=WAIT_S)

    def begin(self, livefile: Livefile, method: str, path: str, **options: Any) -> None:
        call = HttpCall(
            method=method,
            url=f"http://a{path}",
            path=path.partition("?")[0],
            headers=(),
            has_body=len(self._pieces) > 1,
            request_id="0123456789abcdef",
            **options,
        )
        livefile.submit_http(call, self, self.outcomes.put)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App.load(write_app(tmp_path, {"http": HOOKS}))


@pytest.fixture
def livefile(app: App):  # type: ignore[no-untyped-def]  # A fixture that yields.
    with Livefile.open(":memory:", app=app) as opened:
        yield opened


def module_of(app: App) -> Any:  # Any: the app's own names.
    router = app.http_router
    assert router is not None
    return type("Module", (), router.routes[0].handler.__globals__)


# --- Running --------------------------------------------------------------------------------


def test_an_http_action_calls_functions_of_every_kind(livefile: Livefile) -> None:
    answer = Caller([b"he", b"y"]).ask(livefile, "POST", "/hooks")

    assert (answer.status, answer.body) == (201, b"1")
    listed = Caller().ask(livefile, "GET", "/hooks")
    assert b'"text":"HEY","sender":"nobody"' in listed.body
    assert listed.body.startswith(b'[{"_id":"')


def test_it_acts_as_its_caller(livefile: Livefile) -> None:
    user = Identity(attributes={"subject": "ada", "tokenIdentifier": "a|ada"})

    assert Caller().ask(livefile, "GET", "/who", identity=user).body == b"ada"
    assert Caller().ask(livefile, "GET", "/who").body == b"nobody"
    Caller([b"x"]).ask(livefile, "POST", "/hooks", identity=user)
    assert livefile.query("http:senders") == ["ada"]


def test_refused_credentials_matter_only_to_an_action_that_asks(livefile: Livefile) -> None:
    refused = UnauthenticatedError("InvalidAuthHeader", "a bad token")

    asked = Caller().ask(livefile, "GET", "/who", refused=refused)
    assert isinstance(asked, Failure)
    assert "Uncaught UnauthenticatedError: a bad token" in asked.message
    assert Caller([b"x"]).ask(livefile, "POST", "/hooks", refused=refused).status == 201
    assert livefile.query("http:senders") == ["nobody"]


def test_what_it_raises_is_a_failure_as_of_every_function(livefile: Livefile) -> None:
    failed = Caller().ask(livefile, "GET", "/fail")

    assert isinstance(failed, Failure)
    assert failed.data_json == b'{"reason":"as asked"}'
    assert failed.message.startswith("[Request ID: 0123456789abcdef] Server Error\nUncaught Conv")
    none = Caller().ask(livefile, "GET", "/none")
    assert "GET /none: an HTTP action returns a Response, not NoneType" in none.message


def test_observers_hear_of_it(livefile: Livefile) -> None:
    records: Queue[CallRecord] = Queue()
    livefile.observe_calls(records.put)

    Caller().ask(livefile, "GET", "/fail")

    record = records.get(timeout=WAIT_S)
    assert (record.path, record.kind) == ("GET /fail", FunctionKind.ACTION)
    assert record.error is not None
    assert record.http_status == 500


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/hooks", 201), ("GET", "/pieces?count=1", 200)]
)
def test_the_status_of_its_response_is_told(
    livefile: Livefile, method: str, path: str, status: int
) -> None:
    records: Queue[CallRecord] = Queue()
    livefile.observe_calls(records.put)

    Caller([b"x"]).ask(livefile, method, path)

    statuses = {}
    while f"{method} {path.partition('?')[0]}" not in statuses:
        record = records.get(timeout=WAIT_S)
        statuses[record.path] = record.http_status
    assert statuses.pop(f"{method} {path.partition('?')[0]}") == status
    assert set(statuses.values()) <= {None}


def test_a_streamed_response_goes_out_piece_by_piece(livefile: Livefile) -> None:
    caller = Caller()

    assert caller.ask(livefile, "GET", "/pieces?count=3") is None
    assert (caller.status, caller.taken) == (200, [b"0", b"1", b"2"])


def test_head_gets_no_pieces(livefile: Livefile, app: App) -> None:
    caller = Caller()

    assert caller.ask(livefile, "HEAD", "/pieces?count=3") is None
    assert (caller.status, caller.taken) == (200, [])


def test_a_stream_whose_caller_goes_is_ended_at_once(livefile: Livefile, app: App) -> None:
    caller = Caller(takes=2)

    failed = caller.ask(livefile, "GET", "/pieces?count=1000")

    assert isinstance(failed, Failure)
    assert caller.taken == [b"0", b"1"]
    assert module_of(app).has_ended.is_set()


@pytest.mark.parametrize("excess", [0, 1])
def test_a_response_is_bounded(livefile: Livefile, excess: int) -> None:
    size = limits.HTTP_ACTION_BODY_SIZE_BYTES_MAX + excess

    answer = Caller().ask(livefile, "GET", f"/large?size={size}")

    if excess:
        assert isinstance(answer, Failure)
        assert "HttpResponseTooLarge: HTTP actions support responses up to 20 MiB" in answer.message
    else:
        assert isinstance(answer, HttpAnswer)
        assert len(answer.body) == size


def test_a_path_that_nothing_answers_is_not_found(livefile: Livefile) -> None:
    answer = Caller().ask(livefile, "GET", "/nothing")

    assert (answer.status, answer.body) == (404, b"No HttpAction routed for /nothing")


def test_an_app_without_a_router_has_no_http_actions() -> None:
    with Livefile.open(":memory:") as livefile:
        answer = Caller().ask(livefile, "GET", "/hooks")

    text = b"This Convex deployment does not have HTTP actions enabled."
    assert (answer.status, answer.body) == (404, text)


def test_a_reload_brings_other_routes(tmp_path: Path) -> None:
    source = """
        from livefile import *
        http = HttpRouter()

        @http.get("/a")
        async def a(ctx: HttpActionCtx, request: Request) -> Response:
            return Response("old")
    """
    folder = write_app(tmp_path, {"http": source})
    with Livefile.open(":memory:", app=folder) as livefile:
        assert Caller().ask(livefile, "GET", "/a").body == b"old"
        write_app(tmp_path, {"http": source.replace("old", "new")}, folder.name)
        livefile.deploy(livefile.app.reload())

        assert Caller().ask(livefile, "GET", "/a").body == b"new"


# --- Ends -----------------------------------------------------------------------------------


def test_closing_ends_what_runs(app: App) -> None:
    caller = Caller()
    with Livefile.open(":memory:", app=app) as livefile:
        caller.begin(livefile, "GET", "/wait")
        assert module_of(app).is_there.wait(WAIT_S)

    assert isinstance(caller.outcomes.get(timeout=WAIT_S), ClosedError)
    assert module_of(app).has_ended.is_set()
    with pytest.raises(ClosedError):
        Caller().begin(livefile, "GET", "/who")


# --- Loading --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("@http.get('a')\n", "HTTP action a: its path must begin with '/', not 'a'"),
        ("other = HttpRouter()\n@http.get('/a')\n", "an app has one HttpRouter, by convention"),
    ],
)
def test_a_router_that_cannot_be_keeps_the_app_from_loading(
    tmp_path: Path, source: str, complaint: str
) -> None:
    action = "async def a(ctx, request):\n    return Response()\n"
    head = "from livefile import *\nhttp = HttpRouter()\n"

    with pytest.raises(AppError) as caught:
        App.load(write_app(tmp_path, {"http": head + source + action}))

    assert complaint in str(caught.value)


def test_modules_may_share_the_router(tmp_path: Path) -> None:
    head = "from livefile import *\n"
    action = "async def a(ctx, request):\n    return Response()\n"
    app = App.load(
        write_app(
            tmp_path,
            {
                "http": head + "http = HttpRouter()\n@http.get('/a')\n" + action,
                "hooks": head + "from .http import http\n@http.get('/b')\n" + action,
            },
        )
    )

    assert app.http_router is not None
    assert [route.path for route in app.http_router.routes] == ["/a", "/b"]
