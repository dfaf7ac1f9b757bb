from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from livefile import DefinitionError, HttpActionCtx, HttpRouter, Request, Response
from livefile.functions.http_router import METHODS

Handler = Callable[[HttpActionCtx, Request], Awaitable[Response]]


def handler(name: str) -> Handler:
    async def answer(ctx: HttpActionCtx, request: Request) -> Response:
        return Response(name)

    answer.__name__ = name
    return answer


def found(router: HttpRouter, method: str, path: str) -> str | None:
    route = router.find(method, path)
    return None if route is None else route.handler.__name__


# --- Look-up --------------------------------------------------------------------------------


def test_an_exact_path_goes_before_prefixes_and_a_long_prefix_before_a_short_one() -> None:
    router = HttpRouter()
    router.get(prefix="/")(handler("all"))
    router.get(prefix="/a/")(handler("short"))
    router.get(prefix="/a/b/")(handler("long"))
    router.get("/a/b/c")(handler("exact"))

    paths = {"/a/b/c": "exact", "/a/b/d": "long", "/a/b/": "long", "/a/b": "short", "/a": "all"}
    assert {path: found(router, "GET", path) for path in paths} == paths


def test_the_method_takes_part_in_both_look_ups() -> None:
    router = HttpRouter()
    router.post("/a/b")(handler("exact post"))
    router.get(prefix="/a/")(handler("short get"))
    router.put(prefix="/a/b/")(handler("long put"))

    assert found(router, "GET", "/a/b") == "short get"
    assert found(router, "GET", "/a/b/c") == "short get"
    assert found(router, "PUT", "/a/b/c") == "long put"
    assert found(router, "PUT", "/a/b") is None
    assert found(router, "DELETE", "/a/b") is None
    assert found(router, "PROPFIND", "/a/b") is None


def test_an_exact_path_is_exact() -> None:
    router = HttpRouter()
    router.get("/a")(handler("a"))

    assert [found(router, "GET", path) for path in ("/a/", "/A", "/ab", "", "a", "//a")] == [
        None
    ] * 6


def test_head_is_answered_by_get() -> None:
    router = HttpRouter()
    router.get("/a")(handler("a"))
    router.post("/b")(handler("b"))

    assert found(router, "HEAD", "/a") == "a"
    assert found(router, "HEAD", "/b") is None


def test_every_method_has_its_decorator_and_one_action_may_answer_several() -> None:
    router = HttpRouter()
    for method in METHODS:
        getattr(router, method.lower())("/one")(handler(method))
    router.route("/many", methods=METHODS)(handler("many"))

    assert [found(router, method, "/one") for method in METHODS] == list(METHODS)
    assert {found(router, method, "/many") for method in METHODS} == {"many"}
    assert len(router.routes) == 2 * len(METHODS)


# --- Definitions that cannot be -------------------------------------------------------------


def plain(ctx: HttpActionCtx, request: Request) -> Response:
    return Response()


async def without_request(ctx: HttpActionCtx) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("path", "options", "complaint"),
    [
        ("hook", {}, "HTTP action a: its path must begin with '/', not 'hook'"),
        ("", {}, "its path must begin with '/', not ''"),
        ("/.files", {}, "paths below /.files are reserved"),
        ("/.files/x", {}, "paths below /.files are reserved"),
        (None, {"prefix": "a/"}, "its prefix must begin with '/', not 'a/'"),
        (None, {"prefix": "/a"}, "its prefix must end in '/', not '/a'"),
        (None, {"prefix": "/.files/"}, "paths below /.files are reserved"),
        (None, {}, "give it a path or a prefix, one of the two"),
        ("/a", {"prefix": "/a/"}, "give it a path or a prefix, one of the two"),
        (7, {}, "its path must begin with '/', not 7"),
    ],
)
def test_a_path_that_no_route_has_is_refused(
    path: Any, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        HttpRouter().get(path, **options)(handler("a"))

    assert complaint in str(caught.value)


def test_paths_that_only_look_reserved_are_free() -> None:
    router = HttpRouter()
    router.get("/.filesystem")(handler("a"))

    assert found(router, "GET", "/.filesystem") == "a"


@pytest.mark.parametrize(
    ("methods", "complaint"),
    [
        (["HEAD"], "HEAD is answered by GET"),
        (["get"], "the method must be one of GET, POST, PUT, DELETE, OPTIONS, PATCH, not 'get'"),
        (["GET", "TRACE"], "not 'TRACE'"),
        ([], "methods must be a list such as ['GET'], not []"),
        ("GET", "methods must be a list such as ['GET'], not 'GET'"),
    ],
)
def test_a_method_that_no_route_has_is_refused(methods: Any, complaint: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        HttpRouter().route("/a", methods=methods)(handler("a"))

    assert complaint in str(caught.value)


def test_a_route_is_answered_once() -> None:
    router = HttpRouter()
    router.get("/a")(handler("first"))
    router.get(prefix="/a/")(handler("a prefix is another route"))
    router.post("/a")(handler("a method too"))

    with pytest.raises(DefinitionError, match="HTTP action second: GET /a is answered already"):
        router.get("/a")(handler("second"))
    with pytest.raises(DefinitionError, match=r"GET /a/\* is answered already"):
        router.get(prefix="/a/")(handler("second"))


@pytest.mark.parametrize(
    ("action", "complaint"),
    [
        (plain, "HTTP action plain: write async def"),
        (without_request, "HTTP action without_request: its parameters must be (ctx, request)"),
    ],
)
def test_an_action_is_async_and_takes_a_request(action: Any, complaint: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        HttpRouter().get("/a")(action)

    assert complaint in str(caught.value)
