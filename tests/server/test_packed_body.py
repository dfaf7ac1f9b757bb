"""Bodies that come packed: pushed code. Both of their sizes are bounded."""

import zlib

import brotli  # type: ignore[import-untyped]  # It has no stubs.
import orjson
import pytest

from livefile import limits
from livefile_server.web import packed_body
from tests.server.running_server import Answer, RunningServer

PATH = "/api/deploy2/report_push_completed"
BODY = orjson.dumps({"spans": ["x" * 5_000_000]})


def deflated(data: bytes, wbits: int) -> bytes:
    packing = zlib.compressobj(wbits=wbits)
    return packing.compress(data) + packing.flush()


PACKED = {
    "br": brotli.compress(BODY, quality=4),
    "gzip": deflated(BODY, zlib.MAX_WBITS | 16),
    "deflate": deflated(BODY, zlib.MAX_WBITS),
    "identity": BODY,
}


def post(server: RunningServer, encoding: str, body: bytes) -> Answer:
    headers = {
        "Authorization": f"Convex {server.admin_key}",
        "Content-Encoding": encoding,
        "Content-Type": "application/json",
    }
    return server.request("POST", PATH, body, headers)


@pytest.mark.parametrize("encoding", sorted(PACKED))
def test_a_packed_body_is_unpacked(server: RunningServer, encoding: str) -> None:
    answer = post(server, encoding, PACKED[encoding])

    assert (answer.status, answer.body) == (200, b"null")


@pytest.mark.parametrize("encoding", ["br", "gzip", "deflate"])
def test_a_body_that_ends_too_early_is_refused(server: RunningServer, encoding: str) -> None:
    answer = post(server, encoding, PACKED[encoding][:-5])

    assert answer.status == 400
    assert answer.json == {"code": "BadBody", "message": "The packed body ends too early"}


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_body_that_is_not_packed_as_it_says_is_refused(
    server: RunningServer, encoding: str
) -> None:
    answer = post(server, encoding, BODY)

    assert (answer.status, answer.json["code"]) == (400, "BadBody")


@pytest.mark.parametrize("encoding", ["br", "gzip", "deflate"])
def test_a_body_that_unpacks_to_too_much_is_refused(
    server: RunningServer, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PUSH_SIZE_BYTES_MAX", 4_000_000)

    answer = post(server, encoding, PACKED[encoding])

    assert len(PACKED[encoding]) < 10_000
    assert (answer.status, answer.json["code"]) == (413, "RequestBodyTooLarge")


def test_a_body_that_comes_as_too_much_is_refused(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PUSH_SIZE_BYTES_MAX", 4_000_000)

    assert post(server, "identity", BODY).status == 413


def test_an_encoding_that_is_not_known_is_named(server: RunningServer) -> None:
    answer = post(server, "zstd", BODY)

    assert answer.status == 400
    assert answer.json["message"].endswith("must be br, gzip, deflate or identity, not zstd")


def test_without_the_extra_a_push_is_told_how_to_get_it(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_body, "brotli", None)

    answer = post(server, "br", PACKED["br"])

    assert (answer.status, answer.json["code"]) == (400, "TypeScriptNotInstalled")
    assert "pip install 'livefile[typescript]'" in answer.json["message"]
