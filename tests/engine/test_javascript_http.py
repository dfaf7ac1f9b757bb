"""HTTP actions of pushed code: requests and responses, whole and piece by piece."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from livefile import (
    ANONYMOUS,
    App,
    Failure,
    HttpAnswer,
    HttpCall,
    HttpOutcome,
    Livefile,
    LivefileError,
)
from livefile.vocabulary.errors import PushError
from tests.app_folder import write_app
from tests.engine.action_project import push_of
from tests.engine.pushed_project import WAIT_S, exported, module, prepared, pushed, table

SOURCE = """
const encoder = new TextEncoder();
const ticking = (pieces, done) => {
  let count = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (count === pieces) {
        done(controller);
      } else {
        controller.enqueue(encoder.encode(`piece ${count++};`));
      }
    },
  });
};
const it = router(
  ["/hello", "GET", async (ctx, request) => new Response(
    `hello ${new URL(request.url).searchParams.get("name")} from ${request.headers.get("x-from")}`,
    { status: 201, headers: [["x-one", "1"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]] },
  )],
  ["/echo", "POST", async (ctx, request) => new Response(request.body)],
  ["/size", "POST", async (ctx, request) =>
    new Response(String((await request.arrayBuffer()).byteLength))],
  ["/ticking", "GET", async () => new Response(ticking(3, (controller) => controller.close()))],
  ["/broken", "GET", async () =>
    new Response(ticking(1, (controller) => controller.error(new Error("half way"))))],
  ["/endless", "GET", async () => new Response(ticking(Infinity, null))],
  ["/empty", "GET", async () => new Response(null, { status: 204 })],
  ["/fail", "GET", async () => { throw new Error("no answer"); }],
  ["/wrong", "GET", async () => "text"],
  ["/below/*", "GET", async (ctx, request) => new Response(new URL(request.url).pathname)],
);
export { it as default };
"""
PYTHON = """
    from livefile import *

    http = HttpRouter()

    @http.get("/python")
    async def python(ctx: HttpActionCtx, request: Request) -> Response:
        return Response("in Python")
"""
TAKEN = PYTHON.replace('"/python"', '"/hello"')


class Channel:
    """A caller's connection, which breaks once it was sent so many pieces."""

    def __init__(self, pieces: Sequence[bytes] = (), taken_count_max: int | None = None) -> None:
        self._pieces = list(pieces)
        self._taken_count_max = taken_count_max
        self.status = 0
        self.sent: list[bytes] = []

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self.status = status

    async def write(self, piece: bytes) -> None:
        if len(self.sent) == self._taken_count_max:
            raise ConnectionResetError("the caller has gone")
        self.sent.append(piece)


@pytest.fixture(scope="module")
def livefile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Livefile]:
    app = App.load(write_app(tmp_path_factory.mktemp("app"), {"routes": PYTHON}))
    with Livefile.open(":memory:", app) as opened:
        pushed(opened, push_of({"http.js": SOURCE}, table("items", text="string")))
        yield opened


def ask(
    livefile: Livefile, method: str, path: str, channel: Channel | None = None
) -> HttpOutcome | LivefileError:
    """Return what comes of a request; its body, if any, is what the channel has."""
    heard: list[HttpOutcome | LivefileError] = []
    is_over = threading.Event()

    def done(outcome: HttpOutcome | LivefileError) -> None:
        heard.append(outcome)
        is_over.set()

    call = HttpCall(
        method=method,
        url=f"http://site.test{path}",
        path=path.partition("?")[0],
        headers=(("Host", "site.test"), ("X-From", "here")),
        has_body=method == "POST",
        identity=ANONYMOUS,
    )
    livefile.submit_http(call, channel or Channel(), done)
    assert is_over.wait(WAIT_S)
    return heard[0]


def text_of(outcome: HttpOutcome | LivefileError) -> str:
    assert isinstance(outcome, HttpAnswer)
    return outcome.body.decode()


def test_a_small_response_is_sent_whole_with_its_head(livefile: Livefile) -> None:
    answer = ask(livefile, "GET", "/hello?name=Ada")

    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.body) == (201, b"hello Ada from here")
    assert [pair for pair in answer.headers if pair[0] != "content-type"] == [
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("x-one", "1"),
    ]


def test_a_prefix_answers_what_is_below_it(livefile: Livefile) -> None:
    assert text_of(ask(livefile, "GET", "/below/a/b")) == "/below/a/b"
    assert text_of(ask(livefile, "GET", "/below")) == "No HttpAction routed for /below"


def test_routes_of_both_languages_answer(livefile: Livefile) -> None:
    assert text_of(ask(livefile, "GET", "/python")) == "in Python"


@pytest.mark.parametrize("path", ["/hello", "/ticking"])
def test_head_has_no_body(livefile: Livefile, path: str) -> None:
    assert text_of(ask(livefile, "HEAD", path)) == ""


def test_a_response_without_a_body_has_none(livefile: Livefile) -> None:
    answer = ask(livefile, "GET", "/empty")

    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.body) == (204, b"")


def test_a_request_is_read_as_it_comes(livefile: Livefile) -> None:
    pieces = [b"a" * 300_000] * 20

    assert text_of(ask(livefile, "POST", "/size", Channel(pieces))) == "6000000"


def test_a_request_that_is_too_large_fails_where_it_is_read(livefile: Livefile) -> None:
    failure = ask(livefile, "POST", "/size", Channel([b"a" * 11 * 2**20] * 2))

    assert isinstance(failure, Failure)
    assert "HTTP actions support requests up to 20 MiB" in failure.message


def test_a_body_is_sent_on_while_it_comes_in(livefile: Livefile) -> None:
    channel = Channel([b"x" * 300_000, b"y", b"z" * 10])

    assert ask(livefile, "POST", "/echo", channel) is None
    assert b"".join(channel.sent) == b"x" * 300_000 + b"y" + b"z" * 10


def test_a_response_is_sent_piece_by_piece(livefile: Livefile) -> None:
    channel = Channel()

    assert ask(livefile, "GET", "/ticking", channel) is None
    assert channel.status == 200
    assert channel.sent == [b"piece 0;", b"piece 1;", b"piece 2;"]


def test_a_body_that_fails_half_way_is_a_failure(livefile: Livefile) -> None:
    channel = Channel()
    failure = ask(livefile, "GET", "/broken", channel)

    assert isinstance(failure, Failure)
    assert "Uncaught Error: half way" in failure.message
    assert channel.sent == [b"piece 0;"]


def test_an_endless_response_ends_when_the_caller_has_gone(livefile: Livefile) -> None:
    ask(livefile, "GET", "/endless", Channel(taken_count_max=2))

    (host,) = livefile._javascript.actions._hosts.values()
    assert text_of(ask(livefile, "GET", "/hello")) == "hello null from here"
    assert host.runs_count == 0


@pytest.mark.parametrize(
    ("path", "text"),
    [("/fail", "Uncaught Error: no answer"), ("/wrong", "an HTTP action must return a Response")],
)
def test_what_a_handler_does_wrong_is_a_failure(livefile: Livefile, path: str, text: str) -> None:
    failure = ask(livefile, "GET", path)

    assert isinstance(failure, Failure)
    assert text in failure.message


def test_routes_of_a_component_are_below_its_prefix() -> None:
    app = {
        "definitionType": {"type": "app"},
        "childComponents": [{"name": "shop", "path": "shop", "args": [], "env": []}],
        "httpMounts": {"/shop/": "_reference/childComponent/shop"},
        "exports": {"type": "branch", "branch": []},
    }
    component = {
        "definitionType": {"type": "childComponent", "name": "shop", "args": []},
        "childComponents": [],
        "httpMounts": {},
        "exports": {"type": "branch", "branch": []},
    }
    body = push_of({})
    body["appDefinition"]["definition"] = module("convex.config.js", exported(app))
    body["appDefinition"]["dependencies"] = ["shop"]
    body["componentDefinitions"] = [
        {
            "definitionPath": "shop",
            "definition": module("convex.config.js", exported(component)),
            "dependencies": [],
            "schema": None,
            "functions": push_of({"http.js": SOURCE})["appDefinition"]["changedModules"],
            "udfServerVersion": "1.48.0",
        }
    ]
    with Livefile.open(":memory:") as livefile:
        pushed(livefile, body)

        assert text_of(ask(livefile, "GET", "/shop/hello?name=Ada")) == "hello Ada from here"
        assert text_of(ask(livefile, "GET", "/shop/below/a")) == "/shop/below/a"
        assert text_of(ask(livefile, "GET", "/hello")) == "No HttpAction routed for /hello"


def test_a_route_that_is_in_python_already_is_refused(tmp_path: Path) -> None:
    app = App.load(write_app(tmp_path, {"routes": TAKEN}))
    with Livefile.open(":memory:", app) as livefile:
        with pytest.raises(PushError, match="GET /hello is answered by the app in Python and by"):
            prepared(livefile, push_of({"http.js": SOURCE}))

        assert text_of(ask(livefile, "GET", "/hello")) == "in Python"
