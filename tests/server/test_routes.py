import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from livefile_server.web.routes import Handler, Routes


async def get_exact(request: web.BaseRequest) -> web.Response:
    return web.Response()


async def post_exact(request: web.BaseRequest) -> web.Response:
    return web.Response()


async def get_one(request: web.BaseRequest) -> web.Response:
    return web.Response()


async def get_any(request: web.BaseRequest) -> web.Response:
    return web.Response()


@pytest.fixture
def routes() -> Routes:
    routes = Routes()
    routes.add_pattern("GET", "/a/[^/]+", get_one)
    routes.add_pattern("GET", "/a/.*", get_any)
    routes.add_get("/a/exact", get_exact)
    routes.add_post("/a/exact", post_exact)
    routes.add_post("/posted", post_exact)
    return routes


def find(routes: Routes, method: str, path: str) -> Handler:
    return routes.find(make_mocked_request(method, path))


@pytest.mark.parametrize(
    ("method", "path", "handler"),
    [
        ("GET", "/a/exact", get_exact),
        ("GET", "/a/exact?with=search", get_exact),
        ("GET", "/a/%65xact", get_exact),
        ("HEAD", "/a/exact", get_exact),
        ("POST", "/a/exact", post_exact),
        ("GET", "/a/other", get_one),
        ("HEAD", "/a/other", get_one),
        ("GET", "/a/other%2Fthan", get_one),
        ("GET", "/a/other/than", get_any),
        ("GET", "/a/", get_any),
    ],
)
def test_the_closest_route_answers(
    routes: Routes, method: str, path: str, handler: Handler
) -> None:
    assert find(routes, method, path) is handler


@pytest.mark.parametrize("path", ["/", "/a", "/posted/"])
def test_an_address_without_a_route_is_not_found(routes: Routes, path: str) -> None:
    with pytest.raises(web.HTTPNotFound):
        find(routes, "GET", path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/a/exact", "GET,HEAD,POST"),
        ("POST", "/a/other", "GET,HEAD"),
        ("GET", "/posted", "POST"),
        ("HEAD", "/posted", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    routes: Routes, method: str, path: str, allowed: str
) -> None:
    with pytest.raises(web.HTTPMethodNotAllowed) as caught:
        find(routes, method, path)

    assert caught.value.headers["Allow"] == allowed
