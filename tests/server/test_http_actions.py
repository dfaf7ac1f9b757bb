import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from livefile import App, Livefile, limits
from livefile_server.settings.config import load_config
from livefile_server.web.proxies import Proxies
from livefile_server.web.serve import ServerSettings
from tests.app_folder import write_app
from tests.server.running_server import WAIT_S, Answer, RunningServer, run_in_background

SITE = """
    import asyncio
    import threading
    from livefile import *

    http = HttpRouter()
    is_there = threading.Event()
    may_go_on = threading.Event()
    has_ended = threading.Event()

    @http.route("/seen", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    async def seen(ctx: HttpActionCtx, request: Request) -> Response:
        seen = {
            "method": request.method,
            "url": request.url,
            "path": request.path,
            "body": await request.text(),
            "x": request.headers.all("x-one"),
        }
        return Response.json(seen, headers=[("X-Two", "1"), ("X-Two", "2")])

    @http.get(prefix="/below/")
    async def below(ctx: HttpActionCtx, request: Request) -> Response:
        return Response(request.path)

    @http.route("/mirror", methods=["POST", "PUT"])
    async def mirror(ctx: HttpActionCtx, request: Request) -> Response:
        return Response(request.stream(), headers={"Content-Type": "application/x-mirror"})

    @http.get("/pieces")
    async def pieces(ctx: HttpActionCtx, request: Request) -> Response:
        async def each():
            yield "first"
            await asyncio.to_thread(may_go_on.wait)
            yield "second"
        return Response(each(), status=202)

    @http.get("/endless")
    async def endless(ctx: HttpActionCtx, request: Request) -> Response:
        async def each():
            try:
                while True:
                    yield bytes(100_000)
            finally:
                has_ended.set()
        return Response(each())

    @http.get("/breaks")
    async def breaks(ctx: HttpActionCtx, request: Request) -> Response:
        async def each():
            yield "half"
            raise ValueError("broken")
        return Response(each())

    @http.post("/json")
    async def parsed(ctx: HttpActionCtx, request: Request) -> Response:
        return Response.json(await request.json())

    @http.get("/fail")
    async def fail(ctx: HttpActionCtx, request: Request) -> Response:
        if request.query.get("data"):
            raise ConvexError({"a": 1})
        raise ValueError("as asked")

    @http.get("/who")
    async def who(ctx: HttpActionCtx, request: Request) -> Response:
        return Response(str(ctx.auth.get_user_identity()))

    @http.post("/size")
    async def size(ctx: HttpActionCtx, request: Request) -> Response:
        return Response(str(len(await request.body())))

    @http.get("/empty")
    async def empty(ctx: HttpActionCtx, request: Request) -> Response:
        return Response(status=204)

    @http.get("/block")
    async def block(ctx: HttpActionCtx, request: Request) -> Response:
        is_there.set()
        await asyncio.to_thread(may_go_on.wait)
        return Response("done")
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App.load(write_app(tmp_path, {"http": SITE}))


@pytest.fixture
def site(app: App) -> Iterator[RunningServer]:
    settings = ServerSettings(port=0, site_port=0)
    with (
        Livefile.open(":memory:", app=app) as livefile,
        run_in_background(livefile, settings=settings) as running,
    ):
        yield running


def names_of(app: App) -> dict[str, Any]:
    """What the app's module holds."""
    assert app.http_router is not None
    names: dict[str, Any] = app.http_router.routes[0].handler.__globals__
    return names


def site_port(site: RunningServer) -> int:
    assert site.site is not None
    return int(site.site.rpartition(":")[2])


def ask(site: RunningServer, method: str, path: str, **options: Any) -> Answer:
    """Ask on the port for HTTP actions."""
    return site.request(method, path, port=site_port(site), **options)


# --- The two addresses ----------------------------------------------------------------------


def test_both_addresses_lead_to_the_same_actions(site: RunningServer) -> None:
    there = ask(site, "GET", "/seen?a=%20b")
    here = site.request("GET", "/http/seen?a=%20b")

    assert there.json["url"] == f"http://127.0.0.1:{site_port(site)}/seen?a=%20b"
    assert here.json["url"] == f"http://127.0.0.1:{site.port}/seen?a=%20b"
    assert there.json["path"] == here.json["path"] == "/seen"


def test_the_second_port_has_nothing_but_http_actions(site: RunningServer) -> None:
    for path in ("/version", "/api/query", "/http/seen", "/"):
        answer = ask(site, "GET", path)

        assert (answer.status, answer.body.decode()) == (404, f"No HttpAction routed for {path}")


def test_without_the_second_port_the_first_serves_them(app: App) -> None:
    with (
        Livefile.open(":memory:", app=app) as livefile,
        run_in_background(livefile) as running,
    ):
        assert running.site is None
        assert running.request("GET", "/http/below/x").body == b"/below/x"


def test_an_app_without_a_router_says_so(server: RunningServer) -> None:
    answer = server.request("POST", "/http/hook", b"x")

    assert answer.status == 404
    assert answer.body == b"This Convex deployment does not have HTTP actions enabled."


# --- Requests and responses -----------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_request_arrives_whole(site: RunningServer, method: str) -> None:
    answer = ask(site, method, "/seen", body="é".encode(), headers={"X-One": "1"})

    assert answer.status == 200
    assert (answer.json["method"], answer.json["body"], answer.json["x"]) == (method, "é", ["1"])
    assert answer.headers.get_all("X-Two") == ["1", "2"]
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_request_of_these_methods_has_no_body(site: RunningServer, method: str) -> None:
    assert ask(site, method, "/seen", body=b"unread").json["body"] == ""


def test_head_is_get_without_the_body(site: RunningServer) -> None:
    head, whole = ask(site, "HEAD", "/below/x"), ask(site, "GET", "/below/x")

    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"] == "8"
    assert ask(site, "HEAD", "/mirror").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("POST", "/fail"), ("OPTIONS", "/fail"), ("TRACE", "/seen")],
)
def test_what_nothing_answers_is_not_found_whatever_the_method(
    site: RunningServer, method: str, path: str
) -> None:
    answer = ask(site, method, path)

    assert (answer.status, answer.body.decode()) == (404, f"No HttpAction routed for {path}")
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/below/a%20b", "/below/a b"),
        ("/below/%C3%A9", "/below/é"),
        ("/below/a%2Fb", "/below/a%2Fb"),
        ("/below/../x", "/below/../x"),
        ("/below//x", "/below//x"),
    ],
)
def test_a_path_is_decoded_and_otherwise_left_as_it_is(
    site: RunningServer, sent: str, seen: str
) -> None:
    assert ask(site, "GET", sent).body.decode() == seen


def test_nothing_is_added_for_pages_of_other_origins(site: RunningServer) -> None:
    headers = {"Origin": "https://page.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        for answer in (
            ask(site, method, "/seen", headers=headers),
            site.request(method, "/http/seen", headers=headers),
        ):
            assert answer.json["method"] == method
            assert not [name for name in answer.headers if name.lower().startswith("access-con")]


def test_an_empty_response_stays_empty(site: RunningServer) -> None:
    answer = ask(site, "GET", "/empty")

    assert (answer.status, answer.body) == (204, b"")


# --- Streams --------------------------------------------------------------------------------


def test_bodies_are_streamed_both_ways(site: RunningServer) -> None:
    sent = bytes(range(256)) * 20_000

    answer = ask(site, "PUT", "/mirror", body=iter([sent[:7], sent[7:1_000_000], sent[1_000_000:]]))

    assert answer.body == sent
    assert answer.headers["Content-Type"] == "application/x-mirror"
    assert answer.headers["Transfer-Encoding"] == "chunked"


def test_a_piece_arrives_before_the_next_is_made(site: RunningServer, app: App) -> None:
    with socket.create_connection(("127.0.0.1", site_port(site)), timeout=WAIT_S) as connection:
        connection.sendall(b"GET /pieces HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = b""
        while b"first" not in received:
            received += connection.recv(1000)
        names_of(app)["may_go_on"].set()
        received += b"".join(iter(lambda: connection.recv(1000), b""))

    assert received.startswith(b"HTTP/1.1 202 ")
    assert received.endswith(b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n")


def test_a_caller_that_goes_ends_the_stream(site: RunningServer, app: App) -> None:
    with socket.create_connection(("127.0.0.1", site_port(site)), timeout=WAIT_S) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(1000)

    assert names_of(app)["has_ended"].wait(WAIT_S)


def test_a_response_that_breaks_off_has_no_end(site: RunningServer) -> None:
    received = b""
    with socket.create_connection(("127.0.0.1", site_port(site)), timeout=WAIT_S) as connection:
        connection.sendall(b"GET /breaks HTTP/1.1\r\nHost: a\r\n\r\n")
        with suppress(ConnectionResetError):
            while piece := connection.recv(1000):
                received += piece

    assert not received.endswith(b"0\r\n\r\n")
    assert ask(site, "GET", "/below/x").status == 200


@pytest.mark.parametrize("excess", [0, 1])
def test_a_request_is_bounded_by_what_it_announces(site: RunningServer, excess: int) -> None:
    body = bytes(limits.HTTP_ACTION_BODY_SIZE_BYTES_MAX + excess)

    answer = ask(site, "POST", "/size", body=body)

    if excess:
        assert (answer.status, answer.json["code"]) == (413, "HttpRequestTooLarge")
    else:
        assert (answer.status, answer.body.decode()) == (200, str(len(body)))


def test_a_request_is_bounded_by_what_comes(site: RunningServer) -> None:
    body = iter([bytes(limits.HTTP_ACTION_BODY_SIZE_BYTES_MAX), b"x"])

    answer = ask(site, "POST", "/size", body=body)

    assert (answer.status, answer.json["code"]) == (413, "HttpRequestTooLarge")


# --- Errors ---------------------------------------------------------------------------------


def test_an_error_is_json_with_its_trace_and_its_data(site: RunningServer) -> None:
    headers = {"Convex-Request-Id": "0123456789abcdef"}
    plain = ask(site, "GET", "/fail", headers=headers)
    with_data = ask(site, "GET", "/fail?data=1")

    code = "[Request ID: 0123456789abcdef] Server Error: Uncaught ValueError: as asked"
    assert (plain.status, plain.json["code"]) == (500, code)
    assert plain.json["trace"].startswith("Uncaught ValueError: as asked\n    at fail (http.py:")
    assert plain.json.keys() == {"code", "trace"}
    assert with_data.json["data"] == {"a": 1}


def test_a_body_that_is_no_json_is_the_clients_mistake(site: RunningServer) -> None:
    answer = ask(site, "POST", "/json", body=b"{")

    assert (answer.status, answer.json["code"]) == (400, "BadJsonBody")
    assert ask(site, "POST", "/json", body=b'{"a":[1]}').json == {"a": [1]}


# --- Who calls ------------------------------------------------------------------------------


def test_bad_credentials_fail_only_where_they_are_asked_for(site: RunningServer) -> None:
    for header in ("Bearer not.a.token", "Basic abc", "x"):
        headers = {"Authorization": header}

        assert ask(site, "GET", "/below/x", headers=headers).status == 200
        refused = ask(site, "GET", "/who", headers=headers)
        assert refused.status == 500
        assert "UnauthenticatedError" in json.dumps(refused.json)
    assert ask(site, "GET", "/who").body == b"None"


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        ({}, "http"),
        ({"X-Forwarded-Proto": "https"}, "https"),
        ({"X-Forwarded-Proto": "HTTPS, http"}, "https"),
        ({"Forwarded": 'for=192.0.2.1;proto="https";by=x'}, "https"),
        ({"Forwarded": "for=a;proto=http", "X-Forwarded-Proto": "https"}, "https"),
        ({"X-Forwarded-Proto": "javascript"}, "http"),
    ],
)
@pytest.mark.parametrize("is_trusted", [True, False])
def test_the_scheme_is_what_a_trusted_proxy_says(
    app: App, headers: dict[str, str], scheme: str, is_trusted: bool
) -> None:
    networks = load_config({"behind_proxy": "127.0.0.1" if is_trusted else "192.0.2.1"}).proxies
    settings = ServerSettings(port=0, proxies=Proxies(networks))
    with (
        Livefile.open(":memory:", app=app) as livefile,
        run_in_background(livefile, settings=settings) as running,
    ):
        url = running.request("GET", "/http/seen", headers=headers).json["url"]

    assert url.partition(":")[0] == (scheme if is_trusted else "http")


# --- Stopping -------------------------------------------------------------------------------


def wait_until_nobody_listens(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_S).close()
        except OSError:
            return


def test_what_is_under_way_is_answered_before_the_server_ends(
    site: RunningServer, app: App
) -> None:
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.append(ask(site, "GET", "/block")))
    asking.start()
    assert names_of(app)["is_there"].wait(WAIT_S)

    site.loop.call_soon_threadsafe(site.stopping.set)
    wait_until_nobody_listens(site.port)
    names_of(app)["may_go_on"].set()
    asking.join(WAIT_S)
    site.thread.join(WAIT_S)

    assert [(answer.status, answer.body) for answer in answers] == [(200, b"done")]
