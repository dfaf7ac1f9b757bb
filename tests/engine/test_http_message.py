import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest

from livefile import (
    BadRequestError,
    Headers,
    Int64,
    InvalidValueError,
    Request,
    Response,
    limits,
)
from livefile.functions.http_message import ReadPiece


def reader(pieces: Sequence[bytes]) -> ReadPiece:
    left = [*pieces, b""]

    async def read() -> bytes:
        return left.pop(0)

    return read


def request(pieces: Sequence[bytes] | None = None, url: str = "http://a/b") -> Request:
    read = None if pieces is None else reader(pieces)
    return Request("POST", url, "/b", Headers([("X-One", "1"), ("x-one", "2")]), read)


# --- Requests -------------------------------------------------------------------------------


def test_headers_are_found_whatever_their_case() -> None:
    headers = request().headers

    assert headers["x-ONE"] == "1"
    assert headers.all("X-one") == ["1", "2"]
    assert headers.get("x-two") is None
    assert dict(headers) == {"x-one": "1"}
    assert headers.pairs == (("X-One", "1"), ("x-one", "2"))


def test_the_query_has_the_first_of_each_name() -> None:
    asked = request(url="http://a/b?x=1&y=&x=2&z=%C3%A9+%26")

    assert asked.query == {"x": "1", "y": "", "z": "é &"}
    assert request().query == {}


def test_a_body_is_read_once_and_remembered() -> None:
    async def scenario() -> None:
        asked = request([b'{"a":', b"1}"])

        assert await asked.body() == b'{"a":1}'
        assert await asked.text() == '{"a":1}'
        assert await asked.json() == {"a": 1}
        assert [piece async for piece in asked.stream()] == [b'{"a":1}']

    asyncio.run(scenario())


def test_a_body_comes_piece_by_piece() -> None:
    async def scenario() -> None:
        asked = request([b"one", b"two", b"three"])
        stream = asked.stream()

        assert await anext(stream) == b"one"
        assert await asked.body() == b"twothree"

    asyncio.run(scenario())


def test_a_request_without_a_body_has_an_empty_one() -> None:
    async def scenario() -> None:
        assert await request().body() == b""
        assert [piece async for piece in request().stream()] == []

    asyncio.run(scenario())


def test_a_text_that_is_no_utf_8_is_read_all_the_same() -> None:
    assert asyncio.run(request([b"a\xff"]).text()) == "a\ufffd"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN"])
def test_a_body_that_is_no_json_is_the_clients_mistake(body: bytes) -> None:
    with pytest.raises(BadRequestError) as caught:
        asyncio.run(request([body]).json())

    assert caught.value.code == "BadJsonBody"


@pytest.mark.parametrize("excess", [0, 1])
def test_a_body_is_bounded(excess: int) -> None:
    piece = bytes(limits.HTTP_ACTION_BODY_SIZE_BYTES_MAX // 4)
    asked = request([piece] * 4 + [bytes(excess)] * excess)

    if not excess:
        assert len(asyncio.run(asked.body())) == limits.HTTP_ACTION_BODY_SIZE_BYTES_MAX
        return
    with pytest.raises(BadRequestError, match="requests up to 20 MiB") as caught:
        asyncio.run(asked.body())
    assert caught.value.code == "HttpRequestTooLarge"


# --- Responses ------------------------------------------------------------------------------


def test_a_text_says_what_it_is_unless_told_otherwise() -> None:
    plain, page = Response("é"), Response("<p>", headers={"content-type": "text/html"})

    assert (plain.body, plain.status) == ("é".encode(), 200)
    assert plain.headers.pairs == (("Content-Type", "text/plain; charset=utf-8"),)
    assert page.headers.pairs == (("content-type", "text/html"),)
    assert Response().body == b""
    assert Response(b"x").headers.pairs == ()


def test_headers_may_be_repeated_and_those_of_the_connection_are_left_out() -> None:
    cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    own = [("Content-Length", "7"), ("transfer-encoding", "chunked"), ("Connection", "close")]

    assert Response(headers=[*cookies, *own]).headers.pairs == tuple(cookies)


def test_json_is_written_as_clients_know_it() -> None:
    content = {"text": "é", "count": Int64(7), "list": [1.5, None, True], "bytes": b"\x00\xff"}

    response = Response.json(content, status=201, headers={"X-One": "1"})

    body = response.body
    assert isinstance(body, bytes)
    assert orjson.loads(body) == {
        "text": "é", "count": 7, "list": [1.5, None, True], "bytes": "AP8=",
    }  # fmt: skip
    assert response.status == 201
    assert response.headers.pairs == (("Content-Type", "application/json"), ("X-One", "1"))


async def pieces() -> AsyncIterator[bytes]:
    yield b"x"


@pytest.mark.parametrize(
    ("body", "options", "complaint"),
    [
        (b"", {"status": 199}, "from 200 to 599, not 199"),
        (b"", {"status": 600}, "from 200 to 599, not 600"),
        (b"", {"headers": {"a b": "x"}}, "'a b' is no name of a header"),
        (b"", {"headers": {"": "x"}}, "'' is no name of a header"),
        (b"", {"headers": {"X-A": "1\r\nX-B: 2"}}, "the header X-A must be one line"),
        (b"", {"headers": [("X-A", "1\n2")]}, "the header X-A must be one line"),
        ({"a": 1}, {}, "bytes, a text or an asynchronous iterable, not dict"),
        (pieces, {}, "not function"),
    ],
)
def test_a_response_that_cannot_be_sent_is_refused(
    body: Any, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Response(body, **options)

    assert complaint in str(caught.value)


@pytest.mark.parametrize("content", [object(), {1, 2}, {"a": pieces}])
def test_what_json_cannot_hold_is_refused(content: Any) -> None:
    with pytest.raises(InvalidValueError, match="nothing that JSON can hold"):
        Response.json(content)
